/** The same request in protobuf and in JSON gives the same batch; a cut-off body never crashes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { otlpJsonToProtobuf } from '../../src/wire/otlp/json.ts';
import {
  DEFAULT_INDEXED_ATTRIBUTES,
  DEFAULT_OTLP_LOG_LIMITS,
  decodeOtlpLogs,
} from '../../src/wire/otlp/logs.ts';
import { OtlpMetricsDecoder } from '../../src/wire/otlp/metrics.ts';
import { LOGS, METRICS, TRACES } from '../../src/wire/otlp/schema.ts';
import { decodeTraces } from '../../src/wire/otlp/traces.ts';
import { logRows, metricLines, spanRows } from '../collector/memory-sink.ts';
import { logsRequest, metricsRequest, type TwoForms, tracesRequest } from './otlp-request.ts';
import { Random } from './random.ts';

const LOG_OPTIONS = {
  limits: DEFAULT_OTLP_LOG_LIMITS,
  indexedAttributes: DEFAULT_INDEXED_ATTRIBUTES,
  maxTimestampNs: 2n ** 63n - 1n,
  nowNs: 42n,
};

const signals = [
  {
    name: 'traces',
    schema: TRACES,
    make: tracesRequest,
    decode: (body: Uint8Array) => {
      const { batch, rejected } = decodeTraces(body, 't');
      return { rows: spanRows(batch), rejected: [rejected.count, rejected.message] };
    },
  },
  {
    name: 'logs',
    schema: LOGS,
    make: logsRequest,
    decode: (body: Uint8Array) => {
      const { batch, rejected } = decodeOtlpLogs(body, 't', LOG_OPTIONS);
      return { rows: logRows(batch), rejected: [rejected.count, rejected.message] };
    },
  },
  {
    name: 'metrics',
    schema: METRICS,
    make: metricsRequest,
    decode: (body: Uint8Array) => {
      const { batch, rejected } = new OtlpMetricsDecoder().decode(body, 't');
      return {
        rows: metricLines(batch),
        metadata: batch.metadata,
        rejected: [rejected.count, rejected.message],
      };
    },
  },
] as const;

for (const { name, schema, make, decode } of signals) {
  describe(name, () => {
    it('protobuf and JSON give the same batch (400 requests)', () => {
      const random = new Random(`OTLP ${name}`);
      let rows = 0;
      let rejected = 0;
      for (let i = 0; i < 400; i++) {
        const request: TwoForms = make(random);
        const fromProtobuf = decode(request.protobuf);
        const fromJson = decode(otlpJsonToProtobuf(Buffer.from(JSON.stringify(request.json)), schema));
        assert.deepEqual(fromJson, fromProtobuf, `request ${i}`);
        rows += fromProtobuf.rows.length;
        rejected += fromProtobuf.rejected[0] as number;
      }
      // The generator must make both kinds.
      assert.ok(rows > 500, `${rows} rows`);
      assert.ok(rejected > 10, `${rejected} rejected`);
    });

    it('cut off at every byte: read or refused, never anything else', () => {
      const random = new Random(`OTLP ${name}, truncated`);
      let positions = 0;
      while (positions < 6000) {
        const { protobuf } = make(random);
        if (protobuf.length > 4000) continue;
        positions += protobuf.length + 1;
        for (let end = 0; end < protobuf.length; end++) {
          try {
            decode(protobuf.slice(0, end));
          } catch (error) {
            if (!(error instanceof InputError)) throw error;
          }
        }
      }
    });
  });
}
