/** Units guessed from queries, and numbers and ticks written in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatTicks,
  formatValue,
  guessLogqlUnit,
  guessPromqlUnit,
  guessTraceqlUnit,
  tickIncrements,
  type Unit,
} from '../../ui/src/charts/units.ts';

test('the unit of a PromQL result', () => {
  const cases: [string, Unit][] = [
    ['process_resident_memory_bytes', 'bytes'],
    ['rate(node_network_receive_bytes_total[5m])', 'bytes-per-second'],
    ['increase(node_network_receive_bytes_total[5m])', 'bytes'],
    ['sum by (job) (rate(http_requests_total[5m]))', 'per-second'],
    ['sum by (le) (rate(http_request_duration_seconds_bucket[5m]))', 'per-second'],
    ['histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))', 'seconds'],
    ['histogram_quantile(0.95, sum(rate({"http.server.request.duration"}[5m])))', 'none'],
    [
      'rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])',
      'seconds',
    ],
    ['rate(http_request_duration_seconds_count[5m])', 'per-second'],
    ['sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))', 'ratio'],
    ['100 * sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))', 'percent'],
    ['sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) * 100', 'percent'],
    ['node_filesystem_avail_bytes / node_filesystem_size_bytes', 'ratio'],
    ['process_resident_memory_bytes / 1024 / 1024', 'none'],
    ['rate(process_cpu_seconds_total[5m])', 'none'],
    ['time() - process_start_time_seconds', 'seconds'],
    ['process_start_time_seconds', 'timestamp'],
    ['up', 'none'],
    ['count(process_resident_memory_bytes)', 'none'],
    ['go_gc_duration_seconds{quantile="0.5"}', 'seconds'],
    ['cpu_utilization_ratio', 'ratio'],
    ['node_hwmon_temp_celsius', 'celsius'],
    ['max(queue_latency_milliseconds)', 'milliseconds'],
    ['sum by (seconds_label) (queue_size{x="a_bytes"})', 'none'],
    ['1 + 1', 'none'],
    ['', 'none'],
  ];
  for (const [query, want] of cases) assert.equal(guessPromqlUnit(query), want, query);
});

test('the unit of a LogQL result', () => {
  const cases: [string, Unit][] = [
    ['rate({a="b"}[1m])', 'per-second'],
    ['sum by (x) (count_over_time({a="b"} |= "rate(" [1m]))', 'none'],
    ['bytes_rate({a="b"}[1m])', 'bytes-per-second'],
    ['bytes_over_time({a="b"}[1m])', 'bytes'],
    ['avg_over_time({a="b"} | json | unwrap duration(took) [1m])', 'seconds'],
    ['max_over_time({a="b"} | json | unwrap response_bytes [1m])', 'bytes'],
    ['quantile_over_time(0.9, {a="b"} | logfmt | unwrap latency_ms [1m])', 'milliseconds'],
  ];
  for (const [query, want] of cases) assert.equal(guessLogqlUnit(query), want, query);
});

test('the unit of a TraceQL result', () => {
  const cases: [string, Unit][] = [
    ['{ } | rate() by (name)', 'per-second'],
    ['{ } | quantile_over_time(duration, .95)', 'seconds'],
    ['{ } | max_over_time(span:duration)', 'seconds'],
    ['{ } | max_over_time(span.size)', 'none'],
    ['{ } | count_over_time()', 'none'],
  ];
  for (const [query, want] of cases) assert.equal(guessTraceqlUnit(query), want, query);
});

test('values', () => {
  const cases: [number | null, Unit, string][] = [
    [0.2534, 'seconds', '253 ms'],
    [0.0000123, 'seconds', '12.3 µs'],
    [95, 'seconds', '95 s'],
    [600, 'seconds', '10 min'],
    [86_400 * 3, 'seconds', '3 d'],
    [1500, 'milliseconds', '1.5 s'],
    [1536, 'bytes', '1.5 KiB'],
    [3 * 1024 ** 3, 'bytes-per-second', '3 GiB/s'],
    [12, 'bytes', '12 B'],
    [0.0612, 'ratio', '6.12 %'],
    [0, 'ratio', '0 %'],
    [1234.5, 'none', '1.23 k'],
    [42, 'per-second', '42/s'],
    [1_234_567, 'per-second', '1.23 M/s'],
    [-2048, 'bytes', '-2 KiB'],
    [Number.NaN, 'none', 'NaN'],
    [Number.POSITIVE_INFINITY, 'seconds', '+Inf'],
    [null, 'seconds', '–'],
    [1_795_258_262, 'timestamp', '2026-11-21 10:51:02Z'],
  ];
  for (const [value, unit, want] of cases) assert.equal(formatValue(value, unit), want, `${value} ${unit}`);
  assert.equal(formatValue(3309.49, 'none', 6), '3.30949 k');
});

test('ticks of an axis share a scale and have as many decimals as they need', () => {
  const cases: [number[], Unit, string[]][] = [
    [[0, 0.05, 0.1, 0.15], 'seconds', ['0', '50 ms', '100 ms', '150 ms']],
    [[0, 0.25, 0.5], 'none', ['0', '0.25', '0.50']],
    [[0, 500, 1000, 1500], 'none', ['0', '0.5 k', '1.0 k', '1.5 k']],
    [[0, 2 ** 20, 2 ** 21], 'bytes', ['0', '1 MiB', '2 MiB']],
    [[0, 0.5, 1], 'ratio', ['0', '50 %', '100 %']],
    [[-5, 0, 5], 'none', ['-5', '0', '5']],
    [[10, 10.1, 10.2], 'none', ['10.0', '10.1', '10.2']],
    [[], 'none', []],
  ];
  for (const [ticks, unit, want] of cases) assert.deepEqual(formatTicks(ticks, unit), want, unit);
});

test('distances between ticks ascend, and are powers of two for bytes', () => {
  for (const unit of ['none', 'bytes', 'seconds', 'bytes-per-second'] as const) {
    const steps = tickIncrements(unit);
    assert.ok(
      steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
      unit,
    );
  }
  assert.ok(tickIncrements('bytes').every((step) => Number.isInteger(Math.log2(step))));
});
