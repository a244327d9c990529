/** What searches find, over a small trace written as a tree: spans are named by letters, answers are letters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes, AttributeValue, Span } from '../../src/model/select-spans.ts';
import { parseQuery } from '../../src/query/traceql/parse.ts';
import { type FoundTrace, searchTraces } from '../../src/query/traceql/search.ts';
import { formatStatic } from '../../src/query/traceql/static.ts';
import { MemorySpans } from './memory-source.ts';

const MS = 1_000_000n;

function attributes(values: Record<string, unknown>): Attributes {
  const found = new Map<string, AttributeValue>();
  const typed = (value: unknown): AttributeValue => {
    if (typeof value === 'string') return { type: 'string', value };
    if (typeof value === 'bigint') return { type: 'int', value };
    if (typeof value === 'number') return { type: 'double', value };
    if (typeof value === 'boolean') return { type: 'bool', value };
    if (Array.isArray(value)) return { type: 'array', value: value.map(typed) };
    return { type: 'other', json: JSON.stringify(value) };
  };
  for (const [key, value] of Object.entries(values)) found.set(key, typed(value));
  return found;
}

interface Shape {
  readonly id: string;
  readonly parent?: string;
  readonly service?: string;
  readonly atMs: number;
  readonly forMs: number;
  readonly kind?: number;
  readonly status?: number;
  readonly attrs?: Record<string, unknown>;
  readonly events?: readonly {
    readonly name: string;
    readonly atMs: number;
    readonly attrs?: Record<string, unknown>;
  }[];
  readonly links?: readonly { readonly traceId: string; readonly attrs?: Record<string, unknown> }[];
}

const spanId = (letter: string): string => letter.charCodeAt(0).toString(16).padStart(16, '0');

function span(traceId: string, shape: Shape): Span {
  const startNs = BigInt(shape.atMs) * MS;
  return {
    traceId,
    spanId: spanId(shape.id),
    parentId: shape.parent === undefined ? '' : spanId(shape.parent),
    name: shape.id,
    kind: shape.kind ?? 1,
    startNs,
    endNs: startNs + BigInt(shape.forMs) * MS,
    statusCode: shape.status ?? 0,
    statusMessage: shape.status === 2 ? 'it broke' : '',
    traceState: '',
    flags: 0,
    attributes: attributes(shape.attrs ?? {}),
    events: (shape.events ?? []).map((event) => ({
      timeNs: BigInt(event.atMs) * MS,
      name: event.name,
      attributes: attributes(event.attrs ?? {}),
    })),
    links: (shape.links ?? []).map((link) => ({
      traceId: link.traceId,
      spanId: '00f067aa0ba902b7',
      traceState: '',
      attributes: attributes(link.attrs ?? {}),
    })),
    resource: {
      attributes: attributes({ 'service.name': shape.service ?? 'shop', region: 'eu', list: ['r1', 'r2'] }),
    },
    scope: { name: 'lib', version: '1.0', attributes: attributes({ stable: true }) },
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
  };
}

/*
 * a (server)
 * ├─ b (client) ── d (server, db) ── e
 * └─ c (client, error)                 x: orphan
 */
const TRACE = '000000000000000000000000000abc12';
const spans: Shape[] = [
  {
    id: 'a',
    atMs: 1000,
    forMs: 1000,
    kind: 2,
    attrs: { n: 5n, region: 'own', flag: true, tags: ['p', 'q'] },
  },
  { id: 'b', parent: 'a', atMs: 1100, forMs: 500, kind: 3, attrs: { n: 6n, f: 5, odd: {} } },
  {
    id: 'c',
    parent: 'a',
    atMs: 1200,
    forMs: 100,
    kind: 3,
    status: 2,
    attrs: { n: '5', nums: [1n, 9n] },
    events: [
      { name: 'exception', atMs: 1250, attrs: { type: 'Timeout', try: 1n } },
      { name: 'retry', atMs: 1290, attrs: { try: 2n } },
    ],
  },
  {
    id: 'd',
    parent: 'b',
    service: 'db',
    atMs: 1150,
    forMs: 400,
    kind: 2,
    attrs: { n: 5, rows: 7n, size: 2n },
  },
  {
    id: 'e',
    parent: 'd',
    service: 'db',
    atMs: 1200,
    forMs: 0,
    links: [{ traceId: 'ff00'.padStart(32, '0'), attrs: { why: 'batch' } }],
  },
  { id: 'x', parent: 'z', atMs: 1300, forMs: 1, attrs: { rows: 1n, size: 0n } },
];
const source = new MemorySpans();
for (const shape of spans) source.addSpan(span(TRACE, shape));

async function find(query: string): Promise<FoundTrace | undefined> {
  const parsed = parseQuery(query);
  assert(parsed.kind === 'search');
  const options = { tenant: 't', startNs: 0n, endNs: 10_000n * MS, limit: 10, spansPerSpanset: 0 };
  return (await searchTraces(parsed, source, options)).traces[0];
}

const letters = (trace: FoundTrace | undefined): string =>
  (trace?.spansets ?? [])
    .map(({ spans: found }) =>
      found
        .map(({ spanId: id }) => String.fromCharCode(Number.parseInt(id, 16)))
        .sort()
        .join(''),
    )
    .join(' ');

/** A query and the spans that it finds; spansets are apart by a blank. */
const FINDS: readonly (readonly [string, string])[] = [
  ['{ }', 'abcdex'],
  ['{ false }', ''],
  // Literals compare with their own type only; fields among themselves compare as numbers.
  ['{ span.n = 5 }', 'a'],
  ['{ span.n = 5.0 }', 'd'],
  ['{ span.n = "5" }', 'c'],
  ['{ span.n != 5 }', 'b'],
  ['{ span.n > 4.0 }', 'd'],
  ['{ span.n >= span.rows }', ''],
  ['{ span.rows > span.size * 3 }', 'dx'],
  ['{ span.rows / span.size = 3 }', 'd'],
  ['{ span.rows % 2 = 1 }', 'dx'],
  ['{ span.n - 1 = 5 }', 'b'],
  ['{ span.n + 1 = 6.0 }', 'ad'],
  ['{ span.f = 5.0 }', 'b'],
  ['{ span.n != nil }', 'abcd'],
  ['{ span.n = nil }', 'ex'],
  ['{ span.odd != nil }', ''],
  ['{ span.flag }', 'a'],
  ['{ !span.flag }', ''],
  ['{ span.tags = "p" }', 'a'],
  ['{ span.tags != "p" }', 'a'],
  ['{ span.nums > 8 && span.nums < 2 }', 'c'],
  ['{ resource.list =~ "r[23]" && name = "a" }', 'a'],
  // The span's own attribute hides the resource's.
  ['{ .region = "own" }', 'a'],
  ['{ .region = "eu" }', 'bcdex'],
  ['{ resource.region = "eu" }', 'abcdex'],
  ['{ instrumentation.stable && instrumentation:version = "1.0" && name = "e" }', 'e'],
  // Intrinsics.
  ['{ duration = 1s }', 'a'],
  ['{ duration < 1ms }', 'e'],
  ['{ duration > traceDuration / 2 - 1 }', 'ab'],
  ['{ kind = client && status != error }', 'b'],
  ['{ statusMessage =~ ".*bro.*" }', 'c'],
  ['{ rootName = "a" && rootServiceName = "shop" && name = "x" }', 'x'],
  ['{ trace:id = "abc12" && span:id = "0000000000000061" }', 'a'],
  ['{ span:parentID = "0000000000000000" }', 'a'],
  ['{ span:childCount = 2 }', 'a'],
  ['{ nestedSetParent < 0 }', 'a'],
  ['{ nestedSetLeft = 0 }', 'x'],
  ['{ nestedSetRight - nestedSetLeft = 1 }', 'ce'],
  // Conditions on events hold for one event together.
  ['{ event.type = "Timeout" && event.try = 1 }', 'c'],
  ['{ event.type = "Timeout" && event.try = 2 }', ''],
  ['{ event.type = "Timeout" } && { event.try = 2 }', 'c'],
  ['{ event:name != "exception" }', 'c'],
  ['{ event:timeSinceStart = 50ms }', 'c'],
  ['{ event.try = nil && kind = client }', 'b'],
  ['{ link.why = "batch" && link:spanID =~ "00f0.*" }', 'e'],
  // Structure.
  ['{ name = "a" } > { }', 'bc'],
  ['{ name = "a" } >> { kind = server }', 'd'],
  ['{ name = "e" } << { kind = server }', 'ad'],
  ['{ name = "d" } < { }', 'b'],
  ['{ name = "b" } ~ { }', 'c'],
  ['{ name = "b" } !~ { kind = client }', 'b'],
  ['{ name = "a" } !>> { }', 'ax'],
  ['{ name = "nobody" } !> { name = "x" }', 'x'],
  ['{ name = "a" } &> { status = error }', 'ac'],
  ['{ name = "x" } >> { }', ''],
  ['{ name = "a" } && { name = "nobody" }', ''],
  ['{ name = "a" } || { name = "nobody" }', 'a'],
  ['({ name = "a" } > { }) > { resource.service.name = "db" }', 'd'],
  // Pipelines.
  ['{ kind = client } | count() = 2', 'bc'],
  ['{ kind = client } | count() > 2', ''],
  ['{ kind = client } | { status = error }', 'c'],
  ['{ } | by(resource.service.name) | count() = 2', 'de'],
  ['{ } | by(kind) | max(duration) >= 500ms', 'ad bc'],
  ['{ } | by(kind) | coalesce()', 'abcdex'],
  ['{ kind = client } | avg(duration) = 300ms', 'bc'],
  ['{ } | sum(span.rows) = 8', 'abcdex'],
  ['{ } | min(span.n) < 5.5', 'abcdex'],
  ['{ name = "e" } | max(span.rows) > 0', ''],
  ['({ kind = client } | count() = 2) && ({ kind = server } | count() = 2)', 'abcd'],
];

for (const [query, want] of FINDS) {
  test(`${query} finds ${want === '' ? 'nothing' : want}`, async () =>
    assert.equal(letters(await find(query)), want));
}

const listed = (trace: FoundTrace | undefined, letter: string): string => {
  const found = trace?.spansets.flatMap((set) => set.spans).find(({ spanId: id }) => id === spanId(letter));
  const name = found?.name === undefined ? '' : `name=${found.name} `;
  return name + (found?.attributes ?? []).map((one) => `${one.name}=${formatStatic(one.value)}`).join(' ');
};

/** A query, a span and what is shown of it. */
const SHOWS: readonly (readonly [string, string, string])[] = [
  ['{ span.n = 5 && kind = server }', 'a', 'n=5 kind=server'],
  ['{ name = "a" && duration > 1ms && trace:id != "" }', 'a', 'name=a '],
  ['{ span.nums > 8 }', 'c', 'nums=9'],
  ['{ span.nums > 0 }', 'c', 'nums=[1, 9]'],
  // Only what led to the span is shown.
  ['{ name = "a" } >> { status = error || kind = server }', 'c', 'status=error'],
  ['{ event.try = 2 }', 'c', 'try=2'],
  [
    '{ name = "a" } | select(.region, resource.region, span.tags, statusMessage, span:id)',
    'a',
    'name=a region=`own` region=`eu` tags=[`p`, `q`] statusMessage=``',
  ],
  ['{ event:name = "retry" } | select(event.try)', 'c', 'event:name=`retry` try=2'],
];

for (const [query, letter, want] of SHOWS) {
  test(`${query} shows of ${letter}: ${want}`, async () =>
    assert.equal(listed(await find(query), letter), want));
}

test('spansets carry what by() and aggregates said', async () => {
  const trace = await find('{ } | by(resource.service.name) | avg(duration) > 1ms | count() > 3');
  assert.deepEqual(
    trace?.spansets.map((set) =>
      set.attributes.map((one) => `${one.name}=${formatStatic(one.value, false)}`),
    ),
    [['by(resource.service.name)=shop', 'avg(duration)=400.25ms', 'count()=4']],
  );
});

test('of the trace: root, times, services', async () => {
  const trace = await find('{ name = "x" }');
  assert.equal(trace?.rootServiceName, 'shop');
  assert.equal(trace?.rootTraceName, 'a');
  assert.equal(trace?.durationNs, 1000n * MS);
  assert.deepEqual(
    [...(trace?.serviceStats ?? [])],
    [
      ['shop', { spanCount: 4, errorCount: 1 }],
      ['db', { spanCount: 2, errorCount: 0 }],
    ],
  );
});

test('a trace whose root has not come', async () => {
  const broken = new MemorySpans();
  broken.addSpan(span('01', { id: 'y', parent: 'z', atMs: 1, forMs: 1 }));
  const parsed = parseQuery('{ rootServiceName = "" }');
  assert(parsed.kind === 'search');
  const options = { tenant: 't', startNs: 0n, endNs: 10_000n * MS, limit: 10, spansPerSpanset: 3 };
  const { traces } = await searchTraces(parsed, broken, options);
  assert.equal(traces[0]?.rootServiceName, '<root span not yet received>');
});
