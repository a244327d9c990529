/**
 * Random OTLP requests, each written twice: as OTLP/JSON and as protobuf by hand. The two share nothing but the
 * random content, so that they check each other and the decoder.
 */

import {
  concat,
  double,
  field,
  fixed32,
  fixed64,
  int,
  message,
  raw64,
  rawDouble,
  sint,
  varint,
} from './bytes.ts';
import type { Random } from './random.ts';

export interface TwoForms {
  readonly json: unknown;
  readonly protobuf: Uint8Array;
}

const KEYS = [
  'http.method',
  'a',
  'b.c',
  'größe',
  'level',
  'x-y',
  'long.key.'.repeat(8),
  'service.name',
  'k8s.pod.name',
];

/** Integers as string or, when small enough, as number: both are allowed. */
function jsonInt(random: Random, value: bigint): unknown {
  return random.chance(0.5) || value > 2n ** 53n || value < -(2n ** 53n) ? String(value) : Number(value);
}

function jsonDouble(value: number): unknown {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return value;
}

function anyValue(random: Random, depth = 0): TwoForms {
  switch (random.below(depth < 3 ? 9 : 5)) {
    case 0:
    case 1: {
      const text = random.text();
      return { json: { stringValue: text }, protobuf: field(1, text) };
    }
    case 2: {
      const value = random.chance(0.5);
      return { json: { boolValue: value }, protobuf: int(2, value ? 1 : 0) };
    }
    case 3: {
      const value = random.int64();
      return { json: { intValue: jsonInt(random, value) }, protobuf: int(3, value) };
    }
    case 4: {
      // -0 has no form of its own in JSON.
      const value = random.double() + 0;
      return { json: { doubleValue: jsonDouble(value) }, protobuf: double(4, value) };
    }
    case 5: {
      const items = random.list(3, () => anyValue(random, depth + 1));
      return {
        json: { arrayValue: { values: items.map(({ json }) => json) } },
        protobuf: field(5, concat(...items.map(({ protobuf }) => field(1, protobuf)))),
      };
    }
    case 6: {
      const list = attributes(random, 1, depth + 1);
      return { json: { kvlistValue: { values: list.json } }, protobuf: field(6, list.protobuf) };
    }
    case 7: {
      const bytes = Buffer.from(random.hex(random.below(5)), 'hex');
      return { json: { bytesValue: bytes.toString('base64') }, protobuf: field(7, bytes) };
    }
    default:
      return { json: {}, protobuf: new Uint8Array(0) };
  }
}

/** A list of KeyValue under a field number; keys may come twice. */
function attributes(random: Random, number: number, depth = 0): { json: unknown[]; protobuf: Uint8Array } {
  const items = random.list(5, () => ({ key: random.pick(KEYS), value: anyValue(random, depth) }));
  return {
    json: items.map(({ key, value }) => ({ key, value: value.json })),
    protobuf: concat(
      ...items.map(({ key, value }) => field(number, message(field(1, key), field(2, value.protobuf)))),
    ),
  };
}

function resource(random: Random): TwoForms {
  const list = attributes(random, 1);
  return { json: { attributes: list.json }, protobuf: list.protobuf };
}

function scope(random: Random): TwoForms {
  const name = random.text();
  const version = random.text();
  const list = attributes(random, 3);
  return {
    json: { name, version, attributes: list.json },
    protobuf: concat(field(1, name), field(2, version), list.protobuf),
  };
}

function timeNs(random: Random): bigint {
  return 1_700_000_000_000_000_000n + BigInt(random.below(2 ** 31)) * 1009n;
}

/** An unknown field, which both forms allow anywhere. */
function unknown(random: Random): Uint8Array {
  return random.chance(0.2)
    ? random.pick([int(500, 3), field(501, 'x'), fixed64(502, 1n), fixed32(503, 1)])
    : new Uint8Array(0);
}

/** Wraps items as Resource..., Scope..., as all three signals do. */
function wrapped(random: Random, names: readonly [string, string, string], item: () => TwoForms): TwoForms {
  const resources = random.list(3, () => {
    const ofResource = resource(random);
    const scopes = random.list(3, () => {
      const ofScope = scope(random);
      const items = random.list(5, item);
      const parts = [
        field(1, ofScope.protobuf),
        ...items.map(({ protobuf }) => field(2, protobuf)),
        unknown(random),
      ];
      // The scope may stand behind its items.
      if (random.chance(0.1)) parts.push(parts.shift() as Uint8Array);
      return {
        json: {
          scope: ofScope.json,
          [names[2]]: items.map(({ json }) => json),
          schemaUrl: 'https://example.com',
          future: [1],
        },
        protobuf: concat(...parts),
      };
    });
    const parts = [
      field(1, ofResource.protobuf),
      ...scopes.map(({ protobuf }) => field(2, protobuf)),
      unknown(random),
    ];
    if (random.chance(0.1)) parts.push(parts.shift() as Uint8Array);
    return {
      json: { resource: ofResource.json, [names[1]]: scopes.map(({ json }) => json) },
      protobuf: concat(...parts),
    };
  });
  return {
    json: { [names[0]]: resources.map(({ json }) => json), unknownField: { a: 1 } },
    protobuf: concat(...resources.map(({ protobuf }) => field(1, protobuf)), unknown(random)),
  };
}

/** An id, sometimes of the wrong length or all zero. */
function id(random: Random, size: number): string {
  if (random.chance(0.05))
    return random.pick(['', '00'.repeat(size), 'ab'.repeat(size - 1), 'ab'.repeat(size + 1)]);
  return random.hex(size);
}

const bytes = (hex: string) => Buffer.from(hex, 'hex');

export function tracesRequest(random: Random): TwoForms {
  return wrapped(random, ['resourceSpans', 'scopeSpans', 'spans'], () => {
    const traceId = id(random, 16);
    const spanId = id(random, 8);
    const parentSpanId = random.chance(0.5) ? '' : id(random, 8);
    const name = random.text();
    const traceState = random.text();
    const kind = random.below(8);
    const start = timeNs(random);
    const end = start + BigInt(random.below(1e9));
    const flags = random.below(1024);
    const list = attributes(random, 9);
    const code = random.below(3);
    const text = random.text();
    const dropped = random.below(5);
    const events = random.list(3, () => {
      const eventList = attributes(random, 3);
      const eventName = random.text();
      const time = timeNs(random);
      return {
        json: { timeUnixNano: String(time), name: eventName, attributes: eventList.json },
        protobuf: concat(fixed64(1, time), field(2, eventName), eventList.protobuf),
      };
    });
    const links = random.list(3, () => {
      const linkList = attributes(random, 4);
      const linkTrace = id(random, 16);
      const linkSpan = id(random, 8);
      const state = random.text();
      return {
        json: {
          traceId: linkTrace.toUpperCase(),
          spanId: linkSpan,
          traceState: state,
          attributes: linkList.json,
        },
        protobuf: concat(
          field(1, bytes(linkTrace)),
          field(2, bytes(linkSpan)),
          field(3, state),
          linkList.protobuf,
        ),
      };
    });
    const status = { json: { message: text, code }, protobuf: concat(field(2, text), int(3, code)) };
    return {
      json: {
        traceId,
        spanId,
        parentSpanId,
        traceState,
        name,
        kind,
        startTimeUnixNano: String(start),
        endTimeUnixNano: jsonInt(random, end),
        flags,
        attributes: list.json,
        droppedAttributesCount: dropped,
        events: events.map(({ json }) => json),
        droppedEventsCount: dropped,
        links: links.map(({ json }) => json),
        droppedLinksCount: dropped,
        status: status.json,
      },
      protobuf: concat(
        field(1, bytes(traceId)),
        field(2, bytes(spanId)),
        field(3, traceState),
        field(4, bytes(parentSpanId)),
        field(5, name),
        int(6, kind),
        fixed64(7, start),
        fixed64(8, end),
        list.protobuf,
        int(10, dropped),
        ...events.map(({ protobuf }) => field(11, protobuf)),
        int(12, dropped),
        ...links.map(({ protobuf }) => field(13, protobuf)),
        int(14, dropped),
        field(15, status.protobuf),
        fixed32(16, flags),
        unknown(random),
      ),
    };
  });
}

export function logsRequest(random: Random): TwoForms {
  return wrapped(random, ['resourceLogs', 'scopeLogs', 'logRecords'], () => {
    const time = random.chance(0.8) ? timeNs(random) : 0n;
    const observed = random.chance(0.8) ? timeNs(random) : 0n;
    const severity = random.below(26);
    const text = random.text();
    const body = anyValue(random);
    const list = attributes(random, 6);
    const traceId = random.chance(0.5) ? '' : id(random, 16);
    const spanId = random.chance(0.5) ? '' : id(random, 8);
    const flags = random.below(3);
    const dropped = random.below(2);
    const eventName = random.text();
    return {
      json: {
        timeUnixNano: String(time),
        observedTimeUnixNano: jsonInt(random, observed),
        severityNumber: severity,
        severityText: text,
        body: body.json,
        attributes: list.json,
        droppedAttributesCount: dropped,
        flags,
        traceId,
        spanId,
        eventName,
      },
      protobuf: concat(
        fixed64(1, time),
        int(2, severity),
        field(3, text),
        field(5, body.protobuf),
        list.protobuf,
        int(7, dropped),
        fixed32(8, flags),
        field(9, bytes(traceId)),
        field(10, bytes(spanId)),
        fixed64(11, observed),
        field(12, eventName),
        unknown(random),
      ),
    };
  });
}

function exemplars(random: Random, number: number): { json: unknown[]; protobuf: Uint8Array } {
  const items = random.list(2, () => {
    const list = attributes(random, 7);
    const time = timeNs(random);
    const traceId = id(random, 16);
    const spanId = id(random, 8);
    const value = random.double() + 0;
    const whole = random.int64();
    const isInt = random.chance(0.3);
    return {
      json: {
        filteredAttributes: list.json,
        timeUnixNano: String(time),
        traceId,
        spanId,
        ...(isInt ? { asInt: String(whole) } : { asDouble: jsonDouble(value) }),
      },
      protobuf: concat(
        fixed64(2, time),
        isInt ? fixed64(6, whole) : double(3, value),
        field(4, bytes(spanId)),
        field(5, bytes(traceId)),
        list.protobuf,
      ),
    };
  });
  return {
    json: items.map(({ json }) => json),
    protobuf: concat(...items.map(({ protobuf }) => field(number, protobuf))),
  };
}

function numberPoint(random: Random): TwoForms {
  const list = attributes(random, 7);
  const time = timeNs(random);
  const value = random.double() + 0;
  const whole = random.int64();
  const isInt = random.chance(0.5);
  const flags = random.chance(0.1) ? 1 : 0;
  const examples = exemplars(random, 5);
  return {
    json: {
      attributes: list.json,
      startTimeUnixNano: String(time - 1000n),
      timeUnixNano: String(time),
      ...(isInt ? { asInt: jsonInt(random, whole) } : { asDouble: jsonDouble(value) }),
      flags,
      exemplars: examples.json,
    },
    protobuf: concat(
      fixed64(2, time - 1000n),
      fixed64(3, time),
      isInt ? fixed64(6, whole) : double(4, value),
      examples.protobuf,
      list.protobuf,
      int(8, flags),
    ),
  };
}

function histogramPoint(random: Random): TwoForms {
  const list = attributes(random, 9);
  const time = timeNs(random);
  const bounds = Array.from({ length: random.below(5) }, (_, i) => i + random.next());
  const counts = [...bounds, 0].map(() => BigInt(random.below(100)));
  const count = counts.reduce((a, b) => a + b, 0n);
  const examples = exemplars(random, 8);
  const sum = random.chance(0.8) ? random.next() : undefined;
  return {
    json: {
      attributes: list.json,
      timeUnixNano: String(time),
      count: String(count),
      ...(sum === undefined ? {} : { sum }),
      bucketCounts: counts.map((n) => jsonInt(random, n)),
      explicitBounds: bounds,
      exemplars: examples.json,
    },
    protobuf: concat(
      fixed64(3, time),
      fixed64(4, count),
      ...(sum === undefined ? [] : [double(5, sum)]),
      random.chance(0.5)
        ? field(6, concat(...counts.map(raw64)))
        : concat(...counts.map((n) => fixed64(6, n))),
      random.chance(0.5)
        ? field(7, concat(...bounds.map(rawDouble)))
        : concat(...bounds.map((b) => double(7, b))),
      examples.protobuf,
      list.protobuf,
    ),
  };
}

function exponentialPoint(random: Random): TwoForms {
  const list = attributes(random, 1);
  const time = timeNs(random);
  const scale = random.below(26) - 5;
  const offset = random.below(40) - 20;
  const counts = random.list(12, () => BigInt(random.below(4)));
  const zero = BigInt(random.below(3));
  const count = counts.reduce((a, b) => a + b, zero);
  const examples = exemplars(random, 11);
  return {
    json: {
      attributes: list.json,
      timeUnixNano: String(time),
      count: String(count),
      sum: 1.5,
      scale,
      zeroCount: String(zero),
      positive: { offset, bucketCounts: counts.map(String) },
      zeroThreshold: 0.5,
      exemplars: examples.json,
    },
    protobuf: concat(
      list.protobuf,
      fixed64(3, time),
      fixed64(4, count),
      double(5, 1.5),
      sint(6, scale),
      fixed64(7, zero),
      field(
        8,
        concat(
          sint(1, offset),
          random.chance(0.5)
            ? field(2, concat(...counts.map(varint)))
            : concat(...counts.map((n) => int(2, n))),
        ),
      ),
      examples.protobuf,
      double(14, 0.5),
    ),
  };
}

function summaryPoint(random: Random): TwoForms {
  const list = attributes(random, 7);
  const time = timeNs(random);
  const quantiles = [0.5, 0.9].map((quantile) => ({ quantile, value: random.next() }));
  return {
    json: { attributes: list.json, timeUnixNano: String(time), count: 3, sum: 2, quantileValues: quantiles },
    protobuf: concat(
      fixed64(3, time),
      fixed64(4, 3n),
      double(5, 2),
      ...quantiles.map(({ quantile, value }) => field(6, message(double(1, quantile), double(2, value)))),
      list.protobuf,
    ),
  };
}

export function metricsRequest(random: Random): TwoForms {
  return wrapped(random, ['resourceMetrics', 'scopeMetrics', 'metrics'], () => {
    const name = random.pick(['requests', 'http.server.duration', 'größe', '', 'x_total']);
    const unit = random.pick(['', 's', 'By', '1', '{x}', 'By/s']);
    const description = random.text();
    const aggregationTemporality = random.pick([2, 2, 2, 1, 0]);
    const isMonotonic = random.chance(0.5);
    const kinds = [
      ['gauge', 5, numberPoint],
      ['sum', 7, numberPoint],
      ['histogram', 9, histogramPoint],
      ['exponentialHistogram', 10, exponentialPoint],
      ['summary', 11, summaryPoint],
    ] as const;
    const [kind, number, make] = random.pick(kinds);
    const points = random.list(4, () => make(random));
    return {
      json: {
        name,
        unit,
        description,
        [kind]: {
          dataPoints: points.map(({ json }) => json),
          ...(kind === 'gauge' || kind === 'summary' ? {} : { aggregationTemporality }),
          ...(kind === 'sum' ? { isMonotonic } : {}),
        },
      },
      protobuf: concat(
        field(1, name),
        field(2, description),
        field(3, unit),
        field(
          number,
          concat(
            ...points.map(({ protobuf }) => field(1, protobuf)),
            kind === 'gauge' || kind === 'summary' ? new Uint8Array(0) : int(2, aggregationTemporality),
            kind === 'sum' ? int(3, isMonotonic ? 1 : 0) : new Uint8Array(0),
          ),
        ),
        unknown(random),
      ),
    };
  });
}
