/** Reads attributes and intrinsics of spans as values. */

import type { Attributes, AttributeValue, SpanEvent, SpanLink } from '../../model/select-spans.ts';
import type { Field, FieldExpr } from './ast.ts';
import {
  durationStatic,
  intStatic,
  kindStatic,
  NIL,
  type Static,
  statusStatic,
  stringStatic,
} from './static.ts';
import type { SpanNode } from './trace-node.ts';

/** A span together with the one event and the one link that conditions on events and links speak of. */
export interface Row {
  node: SpanNode;
  event: SpanEvent | undefined;
  link: SpanLink | undefined;
}

export type FieldReader = (row: Row) => Static;

const ROOT_PARENT_ID = '0000000000000000';

/**
 * An attribute's value; what cannot be searched (key/value lists, bytes, empty and mixed arrays) counts as absent, an
 * array of one as its element.
 */
export function known(value: AttributeValue | undefined): Static {
  if (value === undefined || value.type === 'other') return NIL;
  if (value.type !== 'array') return value;
  const [first] = value.value;
  if (first === undefined || first.type === 'other' || first.type === 'array') return NIL;
  if (value.value.length === 1) return first;
  return value.value.every((item) => item.type === first.type) ? value : NIL;
}

function reader(attributes: (row: Row) => Attributes | undefined, name: string): FieldReader {
  return (row) => known(attributes(row)?.get(name));
}

const trimZeros = (id: string): string => id.replace(/^0+(?=.)/, '');

/** A trace id as it is compared and shown: without leading zeros, lower case. */
export const shortTraceId = (id: string): string => trimZeros(id.toLowerCase());

/** How to read a field from a row. Absent values are nil. Unscoped attributes look at the span, then at its resource. */
export function compileField(field: Field): FieldReader {
  if (field.kind === 'attribute') {
    const { name } = field;
    switch (field.scope) {
      case 'span':
        return reader((row) => row.node.span.attributes, name);
      case 'resource':
        return reader((row) => row.node.span.resource.attributes, name);
      case 'event':
        return reader((row) => row.event?.attributes, name);
      case 'link':
        return reader((row) => row.link?.attributes, name);
      case 'instrumentation':
        return reader((row) => row.node.span.scope.attributes, name);
      case 'none':
        return (row) => {
          const { span } = row.node;
          const own = known(span.attributes.get(name));
          return own.type === 'nil' ? known(span.resource.attributes.get(name)) : own;
        };
    }
  }
  switch (field.name) {
    case 'duration':
      return (row) => durationStatic(row.node.durationNs);
    case 'name':
      return (row) => stringStatic(row.node.span.name);
    case 'status':
      return (row) => statusStatic(row.node.span.statusCode);
    case 'statusMessage':
      return (row) => stringStatic(row.node.span.statusMessage);
    case 'kind':
      return (row) => kindStatic(row.node.span.kind);
    case 'childCount':
      return (row) => intStatic(row.node.children.length);
    case 'spanId':
      return (row) => stringStatic(row.node.span.spanId);
    case 'parentId':
      return (row) => stringStatic(row.node.span.parentId === '' ? ROOT_PARENT_ID : row.node.span.parentId);
    case 'rootName':
      return (row) => stringStatic(row.node.trace.rootName);
    case 'rootServiceName':
      return (row) => stringStatic(row.node.trace.rootServiceName);
    case 'traceDuration':
      return (row) => durationStatic(row.node.trace.endNs - row.node.trace.startNs);
    case 'traceId':
      return (row) => stringStatic(shortTraceId(row.node.trace.traceId));
    case 'nestedSetLeft':
      return (row) => intStatic(row.node.left);
    case 'nestedSetRight':
      return (row) => intStatic(row.node.right);
    case 'nestedSetParent':
      return (row) => intStatic(row.node.parent);
    case 'eventName':
      return (row) => (row.event === undefined ? NIL : stringStatic(row.event.name));
    case 'eventTimeSinceStart':
      return (row) =>
        row.event === undefined ? NIL : durationStatic(row.event.timeNs - row.node.span.startNs);
    case 'linkTraceId':
      return (row) => (row.link === undefined ? NIL : stringStatic(row.link.traceId));
    case 'linkSpanId':
      return (row) => (row.link === undefined ? NIL : stringStatic(row.link.spanId));
    case 'scopeName':
      return (row) => stringStatic(row.node.span.scope.name);
    case 'scopeVersion':
      return (row) => stringStatic(row.node.span.scope.version);
  }
}

/** What evaluating something needs beyond a single span. */
export interface FieldUse {
  readonly events: boolean;
  readonly links: boolean;
  /** Needs the whole trace: the tree, the root, the trace's duration. */
  readonly trace: boolean;
}

const NO_USE: FieldUse = { events: false, links: false, trace: false };

export function fieldUse(field: Field): FieldUse {
  if (field.kind === 'attribute') {
    return { events: field.scope === 'event', links: field.scope === 'link', trace: false };
  }
  switch (field.name) {
    case 'eventName':
    case 'eventTimeSinceStart':
      return { ...NO_USE, events: true };
    case 'linkTraceId':
    case 'linkSpanId':
      return { ...NO_USE, links: true };
    case 'rootName':
    case 'rootServiceName':
    case 'traceDuration':
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
    case 'childCount':
      return { ...NO_USE, trace: true };
    default:
      return NO_USE;
  }
}

export function joinUse(a: FieldUse, b: FieldUse): FieldUse {
  return { events: a.events || b.events, links: a.links || b.links, trace: a.trace || b.trace };
}

export function exprUse(expr: FieldExpr): FieldUse {
  switch (expr.kind) {
    case 'attribute':
    case 'intrinsic':
      return fieldUse(expr);
    case 'literal':
      return NO_USE;
    case 'binary':
      return joinUse(exprUse(expr.left), exprUse(expr.right));
    default:
      return exprUse(expr.operand);
  }
}
