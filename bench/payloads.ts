/**
 * OTLP request bodies for the benchmark, made once and patched in place before each push, so that the sender costs
 * next to nothing beside the server on two cores.
 */
import { ProtobufWriter } from '../src/wire/protobuf.ts';

/** A small seeded generator (mulberry32): the same load in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Eight bytes that occur nowhere else; they mark what is patched. */
const TIME_MARK = 0x7a11b0b5cafe0001n;
const VALUE_MARK = 0x7a11b0b5cafe0002n;
const ID_MARK = 0x7a11b0b5cafe0003n;

/** A request body with the places that change from push to push. */
export interface Payload {
  readonly body: Buffer;
  readonly items: number;
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly ids: readonly number[];
}

function finish(writer: ProtobufWriter, items: number): Payload {
  const body = Buffer.from(writer.finish());
  const places = (mark: bigint) => {
    const pattern = Buffer.alloc(8);
    pattern.writeBigUInt64LE(mark);
    const found: number[] = [];
    for (let at = body.indexOf(pattern); at >= 0; at = body.indexOf(pattern, at + 8)) found.push(at);
    return found;
  };
  return { body, items, times: places(TIME_MARK), values: places(VALUE_MARK), ids: places(ID_MARK) };
}

function attribute(writer: ProtobufWriter, field: number, key: string, value: string): void {
  writer.message(field, () => {
    writer.string(1, key);
    writer.message(2, () => writer.string(1, value));
  });
}

function resource(writer: ProtobufWriter, service: string, instance: string): void {
  writer.message(1, () => {
    attribute(writer, 1, 'service.name', service);
    attribute(writer, 1, 'service.instance.id', instance);
    attribute(writer, 1, 'deployment.environment.name', 'bench');
  });
}

/** One point in time of `metrics` counters with `seriesPerMetric` series each. */
export function metricPayload(metrics: number, seriesPerMetric: number, instance: string): Payload {
  const writer = new ProtobufWriter(1 << 20);
  writer.message(1, () => {
    resource(writer, 'bench', instance);
    writer.message(2, () => {
      for (let metric = 0; metric < metrics; metric++) {
        writer.message(2, () => {
          writer.string(1, `bench.requests.kind${metric}`);
          writer.message(7, () => {
            for (let series = 0; series < seriesPerMetric; series++) {
              writer.message(1, () => {
                writer.fixed64(3, TIME_MARK);
                writer.fixed64(4, VALUE_MARK);
                attribute(writer, 7, 'route', `/api/v1/resource/${series % 50}`);
                attribute(
                  writer,
                  7,
                  'pod',
                  `bench-7c9d8f6b5-${String(Math.floor(series / 50)).padStart(4, '0')}`,
                );
                attribute(writer, 7, 'status', series % 10 === 0 ? '500' : '200');
              });
            }
            writer.uint32(2, 2);
            writer.uint32(3, 1);
          });
        });
      }
    });
  });
  return finish(writer, metrics * seriesPerMetric);
}

const WORDS =
  'payment order checkout inventory reserved captured refused timeout customer session gateway retry cache shard replica'.split(
    ' ',
  );

/** JSON log lines of about 220 bytes with ids that change. */
export function logPayload(lines: number, service: string, random: () => number): Payload {
  const writer = new ProtobufWriter(1 << 20);
  const markText = 'qzxjqzxj';
  writer.message(1, () => {
    resource(writer, service, 'bench-1');
    writer.message(2, () => {
      for (let line = 0; line < lines; line++) {
        const word = () => WORDS[Math.floor(random() * WORDS.length)] as string;
        const level = random() < 0.03 ? 'error' : random() < 0.1 ? 'warn' : 'info';
        const body = `{"level":"${level}","msg":"${word()} ${word()} ${word()} ${word()}","request_id":"${markText}-${line.toString(16).padStart(8, '0')}","duration_ms":${Math.floor(random() * 900)},"user":"u-${Math.floor(random() * 1e5)}","path":"/api/${word()}/${Math.floor(random() * 1e4)}","status":${random() < 0.03 ? 500 : 200},"region":"eu-west"}`;
        writer.message(2, () => {
          writer.fixed64(1, TIME_MARK);
          writer.uint32(2, level === 'error' ? 17 : level === 'warn' ? 13 : 9);
          writer.message(5, () => writer.string(1, body));
        });
      }
    });
  });
  const payload = finish(writer, lines);
  const ids: number[] = [];
  for (let at = payload.body.indexOf(markText); at >= 0; at = payload.body.indexOf(markText, at + 8))
    ids.push(at);
  return { ...payload, ids };
}

/** Traces of ten spans each over five services. */
export function spanPayload(traces: number, random: () => number): Payload {
  const writer = new ProtobufWriter(1 << 20);
  const marked = (index: number) => {
    const id = Buffer.alloc(16);
    id.writeBigUInt64LE(ID_MARK);
    id.writeUInt32BE(index + 1, 12);
    return id;
  };
  for (let service = 0; service < 5; service++) {
    writer.message(1, () => {
      resource(writer, `service-${service}`, `pod-${service}`);
      writer.message(2, () => {
        writer.message(1, () => writer.string(1, 'bench'));
        for (let trace = 0; trace < traces; trace++) {
          for (let part = 0; part < 2; part++) {
            const number = service * 2 + part;
            const spanId = Buffer.alloc(8);
            spanId.writeUInt32BE(trace + 1, 0);
            spanId.writeUInt32BE(number + 1, 4);
            writer.message(2, () => {
              writer.bytes(1, marked(trace));
              writer.bytes(2, spanId);
              if (number > 0) {
                const parent = Buffer.from(spanId);
                parent.writeUInt32BE(number, 4);
                writer.bytes(4, parent);
              }
              writer.string(5, part === 0 ? `GET /api/resource/${service}` : 'SELECT inventory');
              writer.uint32(6, part === 0 ? 2 : 3);
              writer.fixed64(7, TIME_MARK);
              writer.fixed64(8, TIME_MARK);
              attribute(writer, 9, 'http.request.method', 'GET');
              attribute(writer, 9, 'http.route', `/api/resource/${service}`);
              attribute(writer, 9, 'url.path', `/api/resource/${Math.floor(random() * 1e5)}`);
              attribute(writer, 9, 'server.address', `pod-${service}.bench.svc`);
              attribute(writer, 9, 'user.id', `u-${Math.floor(random() * 1e5)}`);
              writer.message(9, () => {
                writer.string(1, 'http.response.status_code');
                writer.message(2, () => writer.int64(3, random() < 0.02 ? 500n : 200n));
              });
              if (random() < 0.02) writer.message(15, () => writer.uint32(3, 2));
            });
          }
        }
      });
    });
  }
  return finish(writer, traces * 10);
}

/** Writes a time (nanoseconds as two halves) at every place. */
export function patchTimes(payload: Payload, timeOf: (index: number) => bigint): void {
  payload.times.forEach((at, index) => {
    payload.body.writeBigUInt64LE(timeOf(index), at);
  });
}
