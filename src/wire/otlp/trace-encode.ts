/** Spans into OTLP protobuf (`TracesData`): what a trace is handed out as. Knows nothing of who asks. */

import type {
  Attributes,
  AttributeValue,
  InstrumentationScope,
  Resource,
  Span,
} from '../../model/select-spans.ts';
import { ProtobufWriter } from '../protobuf.ts';

export interface ScopeSpans {
  readonly scope: InstrumentationScope;
  readonly spans: Span[];
}

export interface ResourceSpans {
  readonly resource: Resource;
  readonly scopeSpans: ScopeSpans[];
}

/** Groups spans by their resource and scope objects, in the order of first appearance. */
export function groupSpans(spans: readonly Span[]): ResourceSpans[] {
  const resources = new Map<
    Resource,
    { group: ResourceSpans; scopes: Map<InstrumentationScope, ScopeSpans> }
  >();
  for (const span of spans) {
    let entry = resources.get(span.resource);
    if (entry === undefined) {
      entry = { group: { resource: span.resource, scopeSpans: [] }, scopes: new Map() };
      resources.set(span.resource, entry);
    }
    let scope = entry.scopes.get(span.scope);
    if (scope === undefined) {
      scope = { scope: span.scope, spans: [] };
      entry.scopes.set(span.scope, scope);
      entry.group.scopeSpans.push(scope);
    }
    scope.spans.push(span);
  }
  return [...resources.values()].map(({ group }) => group);
}

/** Writes `repeated ResourceSpans = field`. */
export function writeResourceSpans(
  writer: ProtobufWriter,
  field: number,
  groups: readonly ResourceSpans[],
): void {
  for (const { resource, scopeSpans } of groups) {
    writer.message(field, () => {
      writer.message(1, () => writeAttributes(writer, 1, resource.attributes));
      for (const { scope, spans } of scopeSpans) {
        writer.message(2, () => {
          writer.message(1, () => {
            text(writer, 1, scope.name);
            text(writer, 2, scope.version);
            writeAttributes(writer, 3, scope.attributes);
          });
          for (const span of spans) writer.message(2, () => writeSpan(writer, span));
        });
      }
    });
  }
}

/** `TracesData` (the same as Tempo's `Trace`) of these spans. */
export function encodeTrace(spans: readonly Span[]): Uint8Array {
  const writer = new ProtobufWriter(4096);
  writeResourceSpans(writer, 1, groupSpans(spans));
  return writer.finish();
}

function text(writer: ProtobufWriter, field: number, value: string): void {
  if (value !== '') writer.string(field, value);
}

function count(writer: ProtobufWriter, field: number, value: number): void {
  if (value !== 0) writer.uint32(field, value);
}

function id(writer: ProtobufWriter, field: number, hex: string): void {
  if (hex !== '') writer.bytes(field, Buffer.from(hex, 'hex'));
}

function writeSpan(writer: ProtobufWriter, span: Span): void {
  id(writer, 1, span.traceId);
  id(writer, 2, span.spanId);
  text(writer, 3, span.traceState);
  id(writer, 4, span.parentId);
  text(writer, 5, span.name);
  count(writer, 6, span.kind);
  writer.fixed64(7, span.startNs);
  writer.fixed64(8, span.endNs);
  writeAttributes(writer, 9, span.attributes);
  count(writer, 10, span.droppedAttributes);
  for (const event of span.events) {
    writer.message(11, () => {
      writer.fixed64(1, event.timeNs);
      text(writer, 2, event.name);
      writeAttributes(writer, 3, event.attributes);
    });
  }
  count(writer, 12, span.droppedEvents);
  for (const link of span.links) {
    writer.message(13, () => {
      id(writer, 1, link.traceId);
      id(writer, 2, link.spanId);
      text(writer, 3, link.traceState);
      writeAttributes(writer, 4, link.attributes);
    });
  }
  count(writer, 14, span.droppedLinks);
  writer.message(15, () => {
    text(writer, 2, span.statusMessage);
    count(writer, 3, span.statusCode);
  });
  if (span.flags !== 0) writer.fixed32(16, span.flags);
}

function writeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of attributes) {
    writer.message(field, () => {
      text(writer, 1, key);
      writer.message(2, () => writeValue(writer, value));
    });
  }
}

function writeValue(writer: ProtobufWriter, value: AttributeValue): void {
  switch (value.type) {
    case 'string':
      writer.string(1, value.value);
      break;
    case 'bool':
      writer.uint32(2, value.value ? 1 : 0);
      break;
    case 'int':
      writer.int64(3, value.value);
      break;
    case 'double':
      writer.double(4, value.value);
      break;
    case 'array':
      writer.message(5, () => {
        for (const item of value.value) writer.message(1, () => writeValue(writer, item));
      });
      break;
    case 'other':
      writeJsonValue(writer, JSON.parse(value.json) as JsonValue);
  }
}

/** An AnyValue as OTLP JSON has it. */
interface JsonValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number | string;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly JsonValue[] };
  readonly kvlistValue?: {
    readonly values?: readonly { readonly key?: string; readonly value?: JsonValue }[];
  };
}

function writeJsonValue(writer: ProtobufWriter, value: JsonValue): void {
  const { arrayValue, kvlistValue } = value;
  if (value.stringValue !== undefined) writer.string(1, value.stringValue);
  else if (value.boolValue !== undefined) writer.uint32(2, value.boolValue ? 1 : 0);
  else if (value.intValue !== undefined) writer.int64(3, BigInt(value.intValue));
  else if (value.doubleValue !== undefined) writer.double(4, Number(value.doubleValue));
  else if (value.bytesValue !== undefined) writer.bytes(7, Buffer.from(value.bytesValue, 'base64'));
  else if (arrayValue !== undefined) {
    writer.message(5, () => {
      for (const item of arrayValue.values ?? []) writer.message(1, () => writeJsonValue(writer, item));
    });
  } else if (kvlistValue !== undefined) {
    writer.message(6, () => {
      for (const { key = '', value: item } of kvlistValue.values ?? []) {
        writer.message(1, () => {
          text(writer, 1, key);
          if (item !== undefined) writer.message(2, () => writeJsonValue(writer, item));
        });
      }
    });
  }
}
