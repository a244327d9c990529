/**
 * Span batches as Native blocks: resources, scopes and spans. Resources and scopes are stored once per id and day; the
 * id is a hash of what they say. It decides nothing about when or whether blocks are sent.
 */

import type { SpanBatch } from '../../model/batch.ts';
import { hashed, hashText } from '../../model/series-id.ts';
import { BlockEncoder, fixedBytes, stringBytes } from '../native.ts';
import type { ActivityRows } from './activity.ts';
import {
  ATTRIBUTE_COLUMNS,
  attributeMaps,
  attributesJson,
  canonicalAttributes,
  stringAttribute,
} from './attribute-maps.ts';
import { dayOfNs } from './days.ts';

const ACTIVITY_COLUMNS = 'week, first_day, last_day';
export const RESOURCES_TARGET = `resources (tenant, id, service, ${ATTRIBUTE_COLUMNS}, ${ACTIVITY_COLUMNS})`;
export const SCOPES_TARGET = `scopes (tenant, id, name, version, ${ATTRIBUTE_COLUMNS}, ${ACTIVITY_COLUMNS})`;
export const SPANS_TARGET =
  'spans (tenant, trace_id, span_id, parent_id, start_ns, duration_ns, service, name, kind, status_code, ' +
  'status_message, resource, scope, trace_state, flags, dropped_attributes, dropped_events, dropped_links, ' +
  `${ATTRIBUTE_COLUMNS}, event_times_ns, event_names, event_attributes, link_trace_ids, link_span_ids, ` +
  'link_trace_states, link_attributes)';

/** Ids of a batch's resources and scopes (two uint32 halves each) and the service names of its resources. */
export interface SpanOwners {
  readonly resources: Uint32Array;
  readonly services: readonly string[];
  readonly scopes: Uint32Array;
}

export function spanOwners(batch: SpanBatch): SpanOwners {
  const keys = batch.keys.strings;
  const resources = new Uint32Array(batch.resources.rows * 2);
  const services: string[] = [];
  for (let row = 0; row < batch.resources.rows; row++) {
    hashText(canonicalAttributes(batch.resources, keys, row));
    resources[2 * row] = hashed.low;
    resources[2 * row + 1] = hashed.high;
    services.push(stringAttribute(batch.resources, keys, row, 'service.name'));
  }
  const scopes = new Uint32Array(batch.scopes.rows * 2);
  for (let row = 0; row < batch.scopes.rows; row++) {
    const name = JSON.stringify([batch.scopeNames[row], batch.scopeVersions[row]]);
    hashText(`${name}\n${canonicalAttributes(batch.scopes, keys, row)}`);
    scopes[2 * row] = hashed.low;
    scopes[2 * row + 1] = hashed.high;
  }
  return { resources, services, scopes };
}

function pick(ids: Uint32Array, rows: readonly number[]): Uint32Array {
  const out = new Uint32Array(rows.length * 2);
  for (let i = 0; i < rows.length; i++) {
    const at = rows[i] as number;
    out[2 * i] = ids[2 * at] as number;
    out[2 * i + 1] = ids[2 * at + 1] as number;
  }
  return out;
}

export function resourceBlock(batch: SpanBatch, owners: SpanOwners, rows: ActivityRows): Uint8Array {
  const out = new BlockEncoder(11, rows.length, 4096);
  out.constant('tenant', batch.tenant);
  out.uint64('id', pick(owners.resources, rows.index));
  out.texts(
    'service',
    rows.index.map((at) => owners.services[at] as string),
  );
  attributeMaps(out, batch.resources, batch.keys.strings, rows.index);
  rows.write(out);
  return out.finish();
}

export function scopeBlock(batch: SpanBatch, owners: SpanOwners, rows: ActivityRows): Uint8Array {
  const out = new BlockEncoder(12, rows.length, 4096);
  out.constant('tenant', batch.tenant);
  out.uint64('id', pick(owners.scopes, rows.index));
  out.texts(
    'name',
    rows.index.map((at) => batch.scopeNames[at] as string),
  );
  out.texts(
    'version',
    rows.index.map((at) => batch.scopeVersions[at] as string),
  );
  attributeMaps(out, batch.scopes, batch.keys.strings, rows.index);
  rows.write(out);
  return out.finish();
}

export function spanBlock(
  batch: SpanBatch,
  owners: SpanOwners,
  activeResource: (resource: number, day: number) => void,
  activeScope: (scope: number, day: number) => void,
): Uint8Array {
  const rows = batch.startsNs.length;
  const out = new BlockEncoder(30, rows, 2048 + rows * 250 + batch.attributes.texts.data().length);
  const keys = batch.keys.strings;
  const resource = new Uint32Array(rows * 2);
  const scope = new Uint32Array(rows * 2);
  const duration = new Uint32Array(rows * 2);
  const { startsNs, endsNs } = batch;
  for (let row = 0; row < rows; row++) {
    const r = batch.resourceIndex.get(row);
    const s = batch.scopeIndex.get(row);
    resource[2 * row] = owners.resources[2 * r] as number;
    resource[2 * row + 1] = owners.resources[2 * r + 1] as number;
    scope[2 * row] = owners.scopes[2 * s] as number;
    scope[2 * row + 1] = owners.scopes[2 * s + 1] as number;
    const startLow = startsNs.low(row);
    const startHigh = startsNs.high(row);
    const low = endsNs.low(row) - startLow;
    duration[2 * row] = low;
    duration[2 * row + 1] = endsNs.high(row) - startHigh - (low < 0 ? 1 : 0);
    const day = dayOfNs(startLow, startHigh);
    activeResource(r, day);
    activeScope(s, day);
  }
  out.constant('tenant', batch.tenant);
  out.fixedStrings('trace_id', 16, batch.traceIds);
  out.fixedStrings('span_id', 8, batch.spanIds);
  out.fixedStrings('parent_id', 8, batch.parentIds);
  out.int64('start_ns', startsNs.bytes());
  out.fixed('duration_ns', 'Int64', duration, 8);
  out.dictionary('service', owners.services, batch.resourceIndex.values());
  out.strings('name', batch.names);
  out.uint8('kind', batch.kinds.values());
  out.uint8('status_code', batch.statusCodes.values());
  out.strings('status_message', batch.statusMessages);
  out.uint64('resource', resource);
  out.uint64('scope', scope);
  out.strings('trace_state', batch.traceStates);
  out.fixed('flags', 'UInt32', batch.flags.values(), 4);
  out.fixed('dropped_attributes', 'UInt32', batch.droppedAttributes.values(), 4);
  out.fixed('dropped_events', 'UInt32', batch.droppedEvents.values(), 4);
  out.fixed('dropped_links', 'UInt32', batch.droppedLinks.values(), 4);
  attributeMaps(out, batch.attributes, keys);
  const events = batch.eventEnds.values();
  out.array('event_times_ns', 'Int64', events, (writer) => writer.raw(batch.eventTimesNs.bytes()));
  out.array('event_names', 'String', events, (writer) => stringBytes(writer, batch.eventNames));
  out.array('event_attributes', 'String', events, (writer) => {
    for (let i = 0; i < batch.eventTimesNs.length; i++)
      writer.text(attributesJson(batch.eventAttributes, keys, i));
  });
  const links = batch.linkEnds.values();
  out.array('link_trace_ids', 'FixedString(16)', links, (writer) =>
    fixedBytes(writer, 16, batch.linkTraceIds),
  );
  out.array('link_span_ids', 'FixedString(8)', links, (writer) => fixedBytes(writer, 8, batch.linkSpanIds));
  out.array('link_trace_states', 'String', links, (writer) => stringBytes(writer, batch.linkTraceStates));
  out.array('link_attributes', 'String', links, (writer) => {
    for (let i = 0; i < batch.linkTraceIds.length; i++)
      writer.text(attributesJson(batch.linkAttributes, keys, i));
  });
  return out.finish();
}
