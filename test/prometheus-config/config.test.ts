/** prometheus.yml: defaults, inheritance, cross-checks, mistakes with their places. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic } from '../../src/config/diagnostics.ts';
import { readPrometheusConfig, withoutSecrets } from '../../src/config/prometheus/index.ts';
import { Random } from '../wire/random.ts';

function read(text: string, files: Record<string, string> = {}, env: Record<string, string> = {}) {
  const { config, diagnostics } = readPrometheusConfig(text, '/etc/prom/prometheus.yml', {
    files: {
      read: (file) => files[file] as string,
      list: (folder) =>
        Object.keys(files)
          .filter((file) => file.startsWith(`${folder}/`))
          .map((file) => file.slice(folder.length + 1)),
    },
    env,
  });
  return { config, lines: diagnostics.map(formatDiagnostic) };
}

/** The one job of a configuration that must be free of mistakes. */
function job(fields: string, global = '') {
  const { config, lines } = read(`global: {${global}}\nscrape_configs: [{job_name: j, ${fields}}]`);
  assert.deepEqual(lines, []);
  const [first] = config.scrapeConfigs;
  assert.ok(first !== undefined);
  return first;
}

test('an empty file is a configuration', () => {
  const { config, lines } = read('');
  assert.deepEqual(lines, []);
  assert.deepEqual(config.global, {
    scrapeIntervalMs: 60_000,
    scrapeTimeoutMs: 10_000,
    evaluationIntervalMs: 60_000,
    ruleQueryOffsetMs: 0,
    queryLogFile: undefined,
    externalLabels: {},
  });
  assert.deepEqual(config.storage, { outOfOrderTimeWindowMs: 0, maxExemplars: 100_000 });
});

test('a job has the defaults of Prometheus 3.5', () => {
  const { http, discovery, relabel, metricRelabel, protocols, ...rest } = job(
    "static_configs: [{targets: ['a:1']}]",
  );
  assert.deepEqual(rest, {
    jobName: 'j',
    intervalMs: 60_000,
    timeoutMs: 10_000,
    metricsPath: '/metrics',
    scheme: 'http',
    params: {},
    honorLabels: false,
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    fallbackProtocol: undefined,
    classicHistograms: false,
    convertClassicHistograms: false,
    compression: true,
    failureLogFile: undefined,
    limits: {
      bodyBytes: 0,
      samples: 0,
      targets: 0,
      labels: 0,
      labelNameBytes: 0,
      labelValueBytes: 0,
      histogramBuckets: 0,
      histogramMinBucketFactor: 0,
      keptDroppedTargets: 0,
    },
    validation: 'utf8',
    escaping: 'allow-utf-8',
  });
  assert.equal(protocols[0], 'PrometheusProto');
  assert.deepEqual([http.followRedirects, relabel, metricRelabel], [true, [], []]);
  assert.deepEqual(discovery, [
    { kind: 'static', groups: [{ source: '0', labels: {}, targets: [{ __address__: 'a:1' }] }] },
  ]);
});

test('what a job does not say comes from global, or follows from what it does say', () => {
  const global =
    'scrape_interval: 15s, scrape_timeout: 12s, sample_limit: 7, body_size_limit: 1MB, label_limit: 30';
  const own = job('scrape_interval: 5s, sample_limit: 9', global);
  assert.deepEqual(
    [own.intervalMs, own.timeoutMs, own.limits.samples, own.limits.bodyBytes],
    [5_000, 5_000, 9, 2 ** 20],
  );
  assert.deepEqual([job('', global).timeoutMs, job('', global).limits.labels], [12_000, 30]);
  assert.deepEqual([job('', 'scrape_interval: 3s').timeoutMs], [3_000]);
  assert.deepEqual(job('metric_name_validation_scheme: legacy').escaping, 'underscores');
  assert.deepEqual(job('scrape_protocols: [PrometheusText0.0.4]').protocols, ['PrometheusText0.0.4']);
  assert.deepEqual(job('params: {module: [http_2xx], x: [a, b]}').params, {
    module: ['http_2xx'],
    x: ['a', 'b'],
  });
});

test('credentials, TLS, proxy and headers', () => {
  const { http } = job(
    'basic_auth: {username: u, password_file: secret/pw}, tls_config: {ca_file: ca.pem, server_name: s, min_version: TLS13}, ' +
      'proxy_url: "http://p:3128", no_proxy: "a,10.0.0.0/8", http_headers: {X-A: {values: [v], secrets: [s]}}, follow_redirects: false',
  );
  assert.deepEqual(http, {
    basicAuth: { username: { value: 'u' }, password: { file: '/etc/prom/secret/pw' } },
    tls: {
      insecureSkipVerify: false,
      ca: { file: '/etc/prom/ca.pem' },
      serverName: 's',
      minVersion: 'TLSv1.3',
    },
    proxy: { url: 'http://p:3128', noProxy: ['a', '10.0.0.0/8'], fromEnvironment: false, connectHeaders: {} },
    followRedirects: false,
    enableHttp2: true,
    headers: { 'X-A': [{ value: 'v' }, { value: 's' }] },
  });
  assert.deepEqual(job('bearer_token: t').http.authorization, {
    type: 'Bearer',
    credentials: { value: 't' },
  });
});

test('external labels take the environment', () => {
  const { config } = read(
    'global: {external_labels: {a: "${REGION}-x", b: $ZONE, c: "$$5", d: "${NONE}"}}',
    {},
    { REGION: 'eu', ZONE: 'z1' },
  );
  assert.deepEqual(config.global.externalLabels, { a: 'eu-x', b: 'z1', c: '$5', d: '' });
});

test('files of jobs are read, relative to the configuration; names must differ over all of them', () => {
  const files = {
    '/etc/prom/jobs/a.yml': 'scrape_configs: [{job_name: a, basic_auth: {password_file: pw}}]',
    '/etc/prom/jobs/b.yml': '- job_name: j\n- job_name: b',
    '/etc/prom/jobs/c.txt': 'nonsense: [',
  };
  const { config, lines } = read(
    'scrape_configs: [{job_name: j}]\nscrape_config_files: ["jobs/*.yml"]',
    files,
  );
  assert.deepEqual(
    config.scrapeConfigs.map(({ jobName }) => jobName),
    ['j', 'a', 'j', 'b'],
  );
  assert.deepEqual(config.scrapeConfigs[1]?.http.basicAuth?.password, { file: '/etc/prom/jobs/pw' });
  assert.deepEqual(lines, [
    '/etc/prom/jobs/b.yml:1:3: the file[0]: found multiple scrape configs with job name "j"',
  ]);
});

test('parts that others carry out are kept: rules, Alertmanagers, remote write and read, OTLP', () => {
  const { config, lines } = read(`
rule_files: [rules/*.yml, /abs/alerts.yml]
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers: [{static_configs: [{targets: ['am:9093']}], path_prefix: /am}]
remote_write:
  - url: http://r/api/v1/push
    name: far
    send_native_histograms: true
    protobuf_message: io.prometheus.write.v2.Request
    write_relabel_configs: [{source_labels: [__name__], regex: up, action: keep}]
    queue_config: {max_shards: 7, retry_on_http_429: true}
remote_read: [{url: 'http://r/read', read_recent: true}]
storage: {tsdb: {out_of_order_time_window: 30m}, exemplars: {max_exemplars: 5}}
otlp: {promote_resource_attributes: [service.name], translation_strategy: NoTranslation}
tracing: {endpoint: 'localhost:4317', insecure: true}
runtime: {gogc: 50}
`);
  assert.deepEqual(lines, []);
  assert.deepEqual(config.ruleFiles, ['/etc/prom/rules/*.yml', '/abs/alerts.yml']);
  assert.equal(config.alerting.alertmanagers[0]?.pathPrefix, '/am');
  assert.deepEqual(
    config.remoteWrite.map(({ name, message, queue, timeoutMs }) => [
      name,
      message,
      queue.maxShards,
      queue.capacity,
      timeoutMs,
    ]),
    [['far', 'io.prometheus.write.v2.Request', 7, 10_000, 30_000]],
  );
  assert.equal(config.remoteRead[0]?.readRecent, true);
  assert.deepEqual(config.storage, { outOfOrderTimeWindowMs: 1_800_000, maxExemplars: 5 });
  assert.equal(config.otlp.translationStrategy, 'NoTranslation');
  assert.equal(config.tracing?.endpoint, 'localhost:4317');
});

const F = '/etc/prom/prometheus.yml';
for (const [text, want] of [
  [
    'global: {scrape_intervall: 15s}',
    `${F}:1:10: unknown field global.scrape_intervall (did you mean "scrape_interval"?)`,
  ],
  [
    'global:\n  scrape_timeout: 30s\n  scrape_interval: 15s',
    `${F}:2:19: global.scrape_timeout: global scrape timeout greater than scrape interval`,
  ],
  [
    'scrape_configs:\n  - job_name: a\n    scrape_timeout: 2m',
    `${F}:3:21: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "a"`,
  ],
  ['scrape_configs: [{}]', `${F}:1:18: scrape_configs[0]: job_name is empty`],
  [
    'scrape_configs:\n  - job_name: a\n  - job_name: a',
    `${F}:3:5: scrape_configs[1]: found multiple scrape configs with job name "a"`,
  ],
  [
    'scrape_configs: [{job_name: a, scrape_interval: 15}]',
    `${F}:1:49: scrape_configs[0].scrape_interval: not a valid duration string: "15" (write for instance 30s, 1m, 1h30m or 15d)`,
  ],
  [
    "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://a:1/x']}]}]",
    `${F}:1:60: scrape_configs[0].static_configs[0].targets[0]: "http://a:1/x" is not a valid hostname (leave out the scheme and the path)`,
  ],
  [
    'scrape_configs: [{job_name: a, basic_auth: {username: u}, bearer_token: t}]',
    `${F}:1:18: scrape_configs[0]: at most one of basic_auth, authorization, oauth2 and bearer_token must be configured`,
  ],
  [
    'scrape_configs: [{job_name: a, authorization: {type: Basic, credentials: x}}]',
    `${F}:1:47: scrape_configs[0].authorization: authorization type cannot be set to "basic", use "basic_auth" instead`,
  ],
  [
    'scrape_configs: [{job_name: a, scrape_protocols: [Foo]}]',
    `${F}:1:51: scrape_configs[0].scrape_protocols[0]: unknown scrape protocol "Foo" (known: PrometheusProto, PrometheusText0.0.4, PrometheusText1.0.0, OpenMetricsText0.0.1, OpenMetricsText1.0.0)`,
  ],
  [
    'scrape_configs: [{job_name: a, tls_config: {cert_file: c}}]',
    `${F}:1:44: scrape_configs[0].tls_config: exactly one of key or key_file must be configured when a client certificate is configured`,
  ],
  [
    'scrape_configs: [{job_name: a, file_sd_configs: [{files: [x.txt]}]}]',
    `${F}:1:59: scrape_configs[0].file_sd_configs[0].files[0]: path name "x.txt" is not valid (it must end in .json, .yml or .yaml; wildcards (*) may stand in its last part only)`,
  ],
  [
    'scrape_configs: [{job_name: a, dns_sd_configs: [{names: [x], type: A}]}]',
    `${F}:1:49: scrape_configs[0].dns_sd_configs[0]: a port is required in DNS-SD configs for all record types except SRV`,
  ],
  [
    'scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pods}]}]',
    `${F}:1:63: scrape_configs[0].kubernetes_sd_configs[0].role: unknown Kubernetes SD role "pods" (known: node, pod, service, endpoints, endpointslice, ingress)`,
  ],
  [
    'scrape_configs: [{job_name: a, ec2_sd_configs: [{region: x}]}]',
    `${F}:1:48: scrape_configs[0].ec2_sd_configs: discovery by ec2 is not supported by this version (let a script write the targets to a file and use file_sd_configs, or serve them to http_sd_configs)`,
  ],
  [
    'rule_files: ["a/*/b.yml"]',
    `${F}:1:14: rule_files[0]: path name "a/*/b.yml" is not valid (wildcards (*) may stand in the last part of the path only)`,
  ],
  ['remote_write: [{}]', `${F}:1:16: remote_write[0]: url for remote_write is empty`],
  [
    'remote_write: [{url: "http://x", headers: {Authorization: b}}]',
    `${F}:1:43: remote_write[0].headers: authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter`,
  ],
  [
    'alerting: {alertmanagers: [{api_version: v1}]}',
    `${F}:1:42: alerting.alertmanagers[0].api_version: expected Alertmanager api version to be one of [v2] but got v1 (v1 was removed in Alertmanager 0.27)`,
  ],
  [
    'otlp: {promote_resource_attributes: [a, a]}',
    `${F}:1:37: otlp.promote_resource_attributes: duplicated promoted OTel resource attribute`,
  ],
  [
    'scrape_configs: [{job_name: a, metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8}]',
    `${F}:1:18: scrape_configs[0]: utf8 metric names requested but validation scheme is not set to UTF8`,
  ],
] as const) {
  test(`refused: ${text.replaceAll('\n', ' | ')}`, () => {
    assert.deepEqual(read(text).lines, [want]);
  });
}

test('a configuration shown to people has no secrets', () => {
  const shown = withoutSecrets(
    'basic_auth:\n  username: u\n  password: hunter2\nurl: http://me:pw@host/\nauthorization: \n  credentials: abc\n',
  );
  assert.equal(
    shown,
    'basic_auth:\n  username: u\n  password: <secret>\nurl: http://me:<secret>@host/\nauthorization: \n  credentials: <secret>\n',
  );
});

test('no text makes reading fail otherwise than by a diagnostic', () => {
  const random = new Random('prometheus.yml');
  const words = [
    'global',
    'scrape_configs',
    'job_name',
    'static_configs',
    'targets',
    'relabel_configs',
    'regex',
    'action',
    'tls_config',
    'params',
    'alerting',
    'alertmanagers',
    'remote_write',
    'url',
    'headers',
    'kubernetes_sd_configs',
    'role',
    'storage',
    'tsdb',
    'otlp',
    'basic_auth',
    'files',
    'file_sd_configs',
    'scrape_interval',
    'external_labels',
  ];
  const value = (depth: number): unknown => {
    const kind = random.below(depth > 4 ? 5 : 8);
    if (kind === 0) return null;
    if (kind === 1) return random.pick(['', 'a:1', '15s', '(', 'http://x', '*', '${X}', 'é']);
    if (kind === 2) return random.below(100) - 5;
    if (kind === 3) return random.chance(0.5);
    if (kind === 4) return random.next() * 1e20;
    if (kind === 5) return random.list(3, () => value(depth + 1));
    return Object.fromEntries(random.list(4, () => [random.pick(words), value(depth + 1)]));
  };
  for (let i = 0; i < 2_000; i++) {
    let text = JSON.stringify(value(0));
    if (random.chance(0.3)) text = text.slice(0, random.below(text.length + 1));
    assert.doesNotThrow(() => read(text), text);
  }
});

test('a configuration inside of trivium.yaml: mistakes have their place in that file', () => {
  const { config, diagnostics } = readPrometheusConfig(
    'listen: 0.0.0.0\nprometheus:\n  scrape_configs:\n    - job_name: j\n      sample_limi: 5\n',
    '/etc/trivium.yaml',
    { files: { read: () => '', list: () => [] }, section: 'prometheus' },
  );
  assert.equal(config.scrapeConfigs[0]?.jobName, 'j');
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    '/etc/trivium.yaml:5:7: unknown field prometheus.scrape_configs[0].sample_limi (did you mean "sample_limit"?)',
  ]);
});
