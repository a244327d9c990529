/** Names of metrics, labels and units: what Prometheus's OTLP endpoint makes of OpenTelemetry's. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decimalText } from '../../src/wire/otlp/metric-labels.ts';
import {
  labelName,
  metricName,
  type NameKind,
  type TranslationStrategy,
  unitName,
} from '../../src/wire/otlp/names.ts';

const SUFFIXES = 'UnderscoreEscapingWithSuffixes';
const PLAIN = 'UnderscoreEscapingWithoutSuffixes';
const UTF8 = 'NoUTF8EscapingWithSuffixes';
const NONE = 'NoTranslation';

describe('metric names', () => {
  const cases: [
    strategy: TranslationStrategy,
    name: string,
    unit: string,
    kind: NameKind,
    want: string | undefined,
  ][] = [
    [SUFFIXES, 'http.server.request.duration', 's', 'other', 'http_server_request_duration_seconds'],
    [SUFFIXES, 'requests', '', 'counter', 'requests_total'],
    [SUFFIXES, 'requests_total', '', 'counter', 'requests_total'],
    [SUFFIXES, 'requests.total.failed', '', 'counter', 'requests_failed_total'],
    [SUFFIXES, 'cpu_usage', '1', 'gauge', 'cpu_usage_ratio'],
    [SUFFIXES, 'cpu_usage_ratio', '1', 'gauge', 'cpu_usage_ratio'],
    [SUFFIXES, 'items', '1', 'counter', 'items_total'],
    [SUFFIXES, 'queue', '1', 'other', 'queue'],
    [SUFFIXES, 'response_time', 'ms', 'gauge', 'response_time_milliseconds'],
    [SUFFIXES, 'response_time_seconds', 's', 'gauge', 'response_time_seconds'],
    [SUFFIXES, 'memory_usage', 'By', 'gauge', 'memory_usage_bytes'],
    [SUFFIXES, 'bytes.sent', 'By', 'counter', 'bytes_sent_total'],
    [SUFFIXES, 'requests', '1/s', 'gauge', 'requests_per_second'],
    [SUFFIXES, 'throughput', 'By/s', 'gauge', 'throughput_bytes_per_second'],
    [SUFFIXES, 'throughput', 'By/min', 'gauge', 'throughput_bytes_per_min'],
    [SUFFIXES, 'speed', 'm/s', 'gauge', 'speed_meters_per_second'],
    [SUFFIXES, 'custom_metric', 'custom_unit', 'gauge', 'custom_metric_custom_unit'],
    [SUFFIXES, 'custom_metric', '{custom}', 'gauge', 'custom_metric'],
    [SUFFIXES, 'custom_metric', 'By/{custom}', 'gauge', 'custom_metric_bytes'],
    [SUFFIXES, 'custom_metric', '{req}/s', 'counter', 'custom_metric_per_second_total'],
    [SUFFIXES, 'load', '%', 'gauge', 'load_percent'],
    [SUFFIXES, 'temp', 'Cel', 'gauge', 'temp_celsius'],
    [SUFFIXES, 'odd', 'foo-bar', 'gauge', 'odd_foo_bar'],
    [SUFFIXES, 'odd', 'a/b/c', 'gauge', 'odd_a_per_b_c'],
    [SUFFIXES, 'metric@with#special$chars', '', 'gauge', 'metric_with_special_chars'],
    [SUFFIXES, 'a__b', '', 'gauge', 'a_b'],
    [SUFFIXES, 'job:rate:5m', '', 'gauge', 'job:rate:5m'],
    [SUFFIXES, '2xx', '', 'counter', '_2xx_total'],
    [SUFFIXES, 'größe', '', 'gauge', 'gr_e'],
    [SUFFIXES, '日本', '', 'gauge', undefined],
    [SUFFIXES, '', '', 'gauge', undefined],
    [PLAIN, 'http.server.request.duration', 's', 'other', 'http_server_request_duration'],
    [PLAIN, 'requests', '', 'counter', 'requests'],
    [PLAIN, 'a__b', '', 'gauge', 'a__b'],
    [PLAIN, 'metric@@##$$name', '', 'gauge', 'metric_name'],
    [PLAIN, '123metric', '', 'gauge', '_123metric'],
    [PLAIN, '@#$%', '', 'gauge', undefined],
    [PLAIN, '@_#_$_%', '', 'gauge', undefined],
    [UTF8, 'http.server.request.duration', 's', 'other', 'http.server.request.duration_seconds'],
    [UTF8, 'requests', '', 'counter', 'requests_total'],
    [UTF8, 'requests_total', '', 'counter', 'requests_total'],
    [UTF8, 'cpu_usage_ratio', '1', 'gauge', 'cpu_usage_ratio'],
    [UTF8, 'cpu_seconds_total', 's', 'counter', 'cpu_seconds_total'],
    [UTF8, 'otelcol_process_cpu_seconds', 's', 'counter', 'otelcol_process_cpu_seconds_total'],
    [UTF8, 'throughput', 'By/s', 'gauge', 'throughput_bytes_per_second'],
    [UTF8, 'größe', '', 'gauge', 'größe'],
    [NONE, 'http.server.request.duration', 's', 'other', 'http.server.request.duration'],
    [NONE, 'requests', '', 'counter', 'requests'],
    [NONE, '', '', 'gauge', undefined],
  ];
  for (const [strategy, name, unit, kind, want] of cases) {
    it(`${strategy}: ${kind} ${JSON.stringify(name)} in ${JSON.stringify(unit)} is ${want}`, () => {
      assert.equal(metricName(name, unit, kind, strategy), want);
    });
  }
});

describe('units', () => {
  const cases: [unit: string, want: string][] = [
    ['s', 'seconds'],
    ['By', 'bytes'],
    ['By/s', 'bytes_per_second'],
    ['1/s', 'per_second'],
    ['1', ''],
    ['', ''],
    ['{requests}', ''],
    ['%', 'percent'],
    ['odd-unit', 'odd_unit'],
  ];
  for (const [unit, want] of cases) it(`${unit} is ${want}`, () => assert.equal(unitName(unit), want));
});

describe('label names', () => {
  const collapse = { underscoreSanitization: false, preserveMultipleUnderscores: false };
  const cases: [key: string, asPrometheus: string | undefined, collapsed: string | undefined][] = [
    ['http.method', 'http_method', 'http_method'],
    ['k8s.pod.name', 'k8s_pod_name', 'k8s_pod_name'],
    ['a..b', 'a__b', 'a_b'],
    ['_private', 'key_private', '_private'],
    ['__reserved__', '__reserved__', '__reserved__'],
    ['__a..b__', '__a__b__', '__a_b__'],
    ['0day', 'key_0day', 'key_0day'],
    ['größe', 'gr__e', 'gr_e'],
    ['ok', 'ok', 'ok'],
    ['...', undefined, undefined],
    ['', undefined, undefined],
  ];
  for (const [key, asPrometheus, collapsed] of cases) {
    it(`${JSON.stringify(key)} is ${asPrometheus}, or ${collapsed}`, () => {
      // The umlaut and the sharp s are one character each.
      assert.equal(labelName(key), asPrometheus === 'gr__e' ? 'gr__e' : asPrometheus);
      assert.equal(labelName(key, collapse), collapsed);
    });
  }
});

describe('bounds as text', () => {
  const cases: [value: number, want: string][] = [
    [1, '1'],
    [0.005, '0.005'],
    [-0.5, '-0.5'],
    [1e21, '1000000000000000000000'],
    [1.5e22, '15000000000000000000000'],
    [1e-7, '0.0000001'],
    [1.25e-9, '0.00000000125'],
    [123456789.125, '123456789.125'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [0, '0'],
  ];
  for (const [value, want] of cases) it(`${value} is ${want}`, () => assert.equal(decimalText(value), want));
});
