/** Rows of `spans` as Span objects. Resources and scopes are looked up by id and kept: they never change. */

import { attributeFromJson } from '../../model/attribute-json.ts';
import type {
  Attributes,
  AttributeValue,
  InstrumentationScope,
  Resource,
  Span,
  SpanEvent,
  SpanLink,
} from '../../model/select-spans.ts';
import type { QueryOptions } from '../client.ts';
import {
  type ArrayColumn,
  type BigIntColumn,
  type Block,
  type Column,
  FixedStringColumn,
  type MapColumn,
} from '../native.ts';
import type { ScopedClient } from '../scope.ts';
import { bind, type Sql, sql, TENANT, table } from '../sql.ts';

const ATTRIBUTES = sql`attributes_string, attributes_int, attributes_double, attributes_bool, attributes_other`;
const NO_ID = '0000000000000000';
const MAX_KEPT = 50_000;
const LOOK_UP_AT_ONCE = 500;

/** All columns that a Span is made of. */
export const SPAN_COLUMNS: Sql = sql`trace_id, span_id, parent_id, start_ns, duration_ns, name, kind, status_code,
  status_message, resource, scope, trace_state, flags, dropped_attributes, dropped_events, dropped_links, ${ATTRIBUTES},
  event_times_ns, event_names, event_attributes, link_trace_ids, link_span_ids, link_trace_states, link_attributes`;

/** Reads the attribute maps of a row. */
class AttributeMaps {
  readonly #maps: readonly {
    readonly column: MapColumn;
    readonly type: 'string' | 'int' | 'double' | 'bool' | 'other';
  }[];

  constructor(block: Block) {
    this.#maps = (['string', 'int', 'double', 'bool', 'other'] as const).map((type) => ({
      column: block.map(`attributes_${type}`),
      type,
    }));
  }

  read(row: number): Attributes {
    const attributes = new Map<string, AttributeValue>();
    for (const { column, type } of this.#maps) {
      const end = column.end(row);
      for (let at = column.start(row); at < end; at++) {
        attributes.set(column.keys.value(at) as string, typedValue(type, column.values.value(at)));
      }
    }
    return attributes;
  }
}

function typedValue(type: 'string' | 'int' | 'double' | 'bool' | 'other', value: unknown): AttributeValue {
  switch (type) {
    case 'string':
      return { type, value: value as string };
    case 'int':
      return { type, value: value as bigint };
    case 'double':
      return { type, value: value as number };
    case 'bool':
      return { type, value: value === true || value === 1 };
    case 'other':
      return attributeFromJson(value as string);
  }
}

const EMPTY: Attributes = new Map();

/** Attributes of an event or a link: OTLP JSON, a list of key and value. */
function attributesFromJson(text: string): Attributes {
  if (text === '' || text === '[]') return EMPTY;
  const attributes = new Map<string, AttributeValue>();
  for (const { key, value } of JSON.parse(text) as { key: string; value: unknown }[]) {
    attributes.set(key, attributeFromJson(JSON.stringify(value ?? {})));
  }
  return attributes;
}

/** Resources and scopes by tenant and id, the least recently used ones forgotten. */
class Kept<T> {
  readonly #values = new Map<string, T>();

  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, value);
    }
    return value;
  }

  set(key: string, value: T): void {
    this.#values.set(key, value);
    if (this.#values.size > MAX_KEPT) this.#values.delete(this.#values.keys().next().value as string);
  }
}

function distinct(block: Block, name: string): Set<bigint> {
  return new Set(block.bigints(name).values as BigUint64Array);
}

export class SpanRows {
  readonly #resources = new Kept<Resource>();
  readonly #scopes = new Kept<InstrumentationScope>();

  /** The resources of these ids; ids that are not found have no attributes. */
  async resources(
    scope: ScopedClient,
    ids: Iterable<bigint>,
    options: QueryOptions,
  ): Promise<Map<bigint, Resource>> {
    const query = (missing: Sql): Sql =>
      sql`SELECT id, ${ATTRIBUTES} FROM ${table.resources} WHERE ${TENANT} AND id IN (SELECT arrayJoin(${missing})) LIMIT 1 BY id`;
    return this.#lookUp(this.#resources, scope, ids, options, query, { attributes: EMPTY }, (block) => {
      const maps = new AttributeMaps(block);
      return (row) => ({ attributes: maps.read(row) });
    });
  }

  async scopes(
    scope: ScopedClient,
    ids: Iterable<bigint>,
    options: QueryOptions,
  ): Promise<Map<bigint, InstrumentationScope>> {
    const query = (missing: Sql): Sql =>
      sql`SELECT id, name, version, ${ATTRIBUTES} FROM ${table.scopes} WHERE ${TENANT} AND id IN (SELECT arrayJoin(${missing})) LIMIT 1 BY id`;
    const none = { name: '', version: '', attributes: EMPTY };
    return this.#lookUp(this.#scopes, scope, ids, options, query, none, (block) => {
      const maps = new AttributeMaps(block);
      const names = block.column('name');
      const versions = block.column('version');
      return (row) => ({
        name: names.value(row) as string,
        version: versions.value(row) as string,
        attributes: maps.read(row),
      });
    });
  }

  async #lookUp<T>(
    kept: Kept<T>,
    scope: ScopedClient,
    ids: Iterable<bigint>,
    options: QueryOptions,
    query: (missing: Sql) => Sql,
    none: T,
    reader: (block: Block) => (row: number) => T,
  ): Promise<Map<bigint, T>> {
    const found = new Map<bigint, T>();
    const missing: bigint[] = [];
    for (const id of ids) {
      const value = kept.get(`${scope.tenant}\u0000${id}`);
      if (value === undefined) missing.push(id);
      else found.set(id, value);
    }
    if (missing.length === 0) return found;
    for (let at = 0; at < missing.length; at += LOOK_UP_AT_ONCE) {
      const ids = missing.slice(at, at + LOOK_UP_AT_ONCE);
      for await (const block of scope.stream(query(bind.uint64s(ids)), options)) {
        const read = reader(block);
        const blockIds = block.bigints('id').values;
        for (let row = 0; row < block.rows; row++) {
          const id = blockIds[row] as bigint;
          const value = read(row);
          found.set(id, value);
          kept.set(`${scope.tenant}\u0000${id}`, value);
        }
      }
    }
    for (const id of missing) if (!found.has(id)) found.set(id, none);
    return found;
  }

  /** The spans of a block that holds SPAN_COLUMNS. */
  async spans(scope: ScopedClient, block: Block, options: QueryOptions): Promise<Span[]> {
    const resources = await this.resources(scope, distinct(block, 'resource'), options);
    const scopes = await this.scopes(scope, distinct(block, 'scope'), options);
    const traceIds = block.fixed('trace_id');
    const spanIds = block.fixed('span_id');
    const parentIds = block.fixed('parent_id');
    const starts = block.bigints('start_ns').values;
    const durations = block.bigints('duration_ns').values;
    const names = block.column('name');
    const kinds = block.numbers('kind');
    const statusCodes = block.numbers('status_code');
    const messages = block.strings('status_message');
    const states = block.strings('trace_state');
    const flags = block.numbers('flags');
    const droppedAttributes = block.numbers('dropped_attributes');
    const droppedEvents = block.numbers('dropped_events');
    const droppedLinks = block.numbers('dropped_links');
    const resourceIds = block.bigints('resource').values;
    const scopeIds = block.bigints('scope').values;
    const attributes = new AttributeMaps(block);
    const events = new EventReader(block);
    const links = new LinkReader(block);
    const spans: Span[] = [];
    for (let row = 0; row < block.rows; row++) {
      const startNs = starts[row] as bigint;
      const parentId = parentIds.hex(row);
      spans.push({
        traceId: traceIds.hex(row),
        spanId: spanIds.hex(row),
        parentId: parentId === NO_ID ? '' : parentId,
        name: names.value(row) as string,
        kind: kinds[row] as number,
        startNs,
        endNs: startNs + (durations[row] as bigint),
        statusCode: statusCodes[row] as number,
        statusMessage: messages.value(row),
        traceState: states.value(row),
        flags: flags[row] as number,
        attributes: attributes.read(row),
        events: events.read(row),
        links: links.read(row),
        resource: resources.get(resourceIds[row] as bigint) as Resource,
        scope: scopes.get(scopeIds[row] as bigint) as InstrumentationScope,
        droppedAttributes: droppedAttributes[row] as number,
        droppedEvents: droppedEvents[row] as number,
        droppedLinks: droppedLinks[row] as number,
      });
    }
    return spans;
  }
}

const NO_EVENTS: readonly SpanEvent[] = [];
const NO_LINKS: readonly SpanLink[] = [];

class EventReader {
  readonly #times: ArrayColumn;
  readonly #names: ArrayColumn;
  readonly #attributes: ArrayColumn;

  constructor(block: Block) {
    this.#times = block.array('event_times_ns');
    this.#names = block.array('event_names');
    this.#attributes = block.array('event_attributes');
  }

  read(row: number): readonly SpanEvent[] {
    const start = this.#times.start(row);
    const end = this.#times.end(row);
    if (start === end) return NO_EVENTS;
    const events: SpanEvent[] = [];
    for (let at = start; at < end; at++) {
      events.push({
        timeNs: (this.#times.items as BigIntColumn).value(at),
        name: this.#names.items.value(at) as string,
        attributes: attributesFromJson(this.#attributes.items.value(at) as string),
      });
    }
    return events;
  }
}

class LinkReader {
  readonly #traceIds: ArrayColumn;
  readonly #spanIds: ArrayColumn;
  readonly #states: ArrayColumn;
  readonly #attributes: ArrayColumn;

  constructor(block: Block) {
    this.#traceIds = block.array('link_trace_ids');
    this.#spanIds = block.array('link_span_ids');
    this.#states = block.array('link_trace_states');
    this.#attributes = block.array('link_attributes');
  }

  read(row: number): readonly SpanLink[] {
    const start = this.#traceIds.start(row);
    const end = this.#traceIds.end(row);
    if (start === end) return NO_LINKS;
    const links: SpanLink[] = [];
    for (let at = start; at < end; at++) {
      links.push({
        traceId: hexOf(this.#traceIds.items, at),
        spanId: hexOf(this.#spanIds.items, at),
        traceState: this.#states.items.value(at) as string,
        attributes: attributesFromJson(this.#attributes.items.value(at) as string),
      });
    }
    return links;
  }
}

function hexOf(column: Column, row: number): string {
  if (!(column instanceof FixedStringColumn)) throw new TypeError(`expected FixedString, got ${column.type}`);
  return column.hex(row);
}
