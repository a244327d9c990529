// What to paste to send something: one snippet per kind of sender, with the real host and ports. Pure.
import type { ListenerStatus } from '../api/status.ts';

export interface Snippet {
  id: string;
  title: string;
  /** What the reader should know before pasting. */
  note: string;
  text: string;
}

const defaultPorts: Readonly<Record<string, number>> = {
  http: 3000,
  prometheus: 9090,
  loki: 3100,
  tempo: 3200,
  'otlp-grpc': 4317,
  'otlp-http': 4318,
};

/** host:port of a listener as another program would reach it; null if it is off. */
export function reachable(
  listeners: readonly ListenerStatus[],
  name: string,
  pageHost: string,
): string | null {
  const listener = listeners.find((one) => one.name === name);
  if (!listener) return listeners.length === 0 ? `${pageHost}:${defaultPorts[name] ?? 3000}` : null;
  const match = /^(?:\w+:\/\/)?(.*?):(\d+)\/?$/.exec(listener.address);
  if (!match) return listener.address;
  const [, host = '', port] = match;
  // Bound to every address: the name under which this page was reached will do.
  const anywhere = host === '' || host === '0.0.0.0' || host === '[::]' || host === '::';
  return `${anywhere ? pageHost : host}:${port}`;
}

const loopback = /^(127\.|localhost|\[::1\])/;

/** Whether the senders' listeners take nothing from other machines. */
export function onlyLocal(listeners: readonly ListenerStatus[]): boolean {
  const otlp = listeners.filter((one) => one.name.startsWith('otlp'));
  return otlp.length > 0 && otlp.every((one) => loopback.test(one.address.replace(/^\w+:\/\//, '')));
}

/** The snippets, leaving out what cannot be reached. `pageOrigin` is that of the UI. */
export function snippets(
  listeners: readonly ListenerStatus[],
  pageHost: string,
  pageOrigin: string,
): Snippet[] {
  const http = reachable(listeners, 'otlp-http', pageHost);
  const grpc = reachable(listeners, 'otlp-grpc', pageHost);
  // Everything is also under a prefix on the port of this page.
  const otlp = http ? `http://${http}` : `${pageOrigin}/otlp`;
  const prometheus = reachable(listeners, 'prometheus', pageHost);
  const loki = reachable(listeners, 'loki', pageHost);
  const prometheusBase = prometheus ? `http://${prometheus}` : `${pageOrigin}/prometheus`;
  const lokiBase = loki ? `http://${loki}` : `${pageOrigin}/loki`;
  return [
    {
      id: 'node',
      title: 'Node.js',
      note: 'Metrics, logs and traces of a Node.js program, without changing it.',
      text: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${otlp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp OTEL_TRACES_EXPORTER=otlp
export OTEL_SEMCONV_STABILITY_OPT_IN=http
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      id: 'python',
      title: 'Python',
      note: 'Metrics, logs and traces of a Python program, without changing it.',
      text: `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install

export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${otlp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true
opentelemetry-instrument python app.py`,
    },
    {
      id: 'java',
      title: 'Java',
      note: 'Metrics, logs and traces of a Java program by the OpenTelemetry agent.',
      text: `export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${otlp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    },
    {
      id: 'collector',
      title: 'Collector',
      note: 'An exporter for an OpenTelemetry Collector that runs already.',
      text: grpc
        ? `exporters:
  otlp/trivium:
    endpoint: ${grpc}
    tls:
      insecure: true

service:
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp/trivium] }
    metrics: { receivers: [otlp], exporters: [otlp/trivium] }
    logs: { receivers: [otlp], exporters: [otlp/trivium] }`
        : `exporters:
  otlphttp/trivium:
    endpoint: ${otlp}

service:
  pipelines:
    traces: { receivers: [otlp], exporters: [otlphttp/trivium] }
    metrics: { receivers: [otlp], exporters: [otlphttp/trivium] }
    logs: { receivers: [otlp], exporters: [otlphttp/trivium] }`,
    },
    {
      id: 'remote-write',
      title: 'Prometheus',
      note: 'In the prometheus.yml of a Prometheus (or an agent) that runs already.',
      text: `remote_write:
  - url: ${prometheusBase}/api/v1/write
    send_exemplars: true
    send_native_histograms: true`,
    },
    {
      id: 'promtail',
      title: 'Promtail',
      note: 'In the configuration of Promtail, or of any agent that pushes to Loki.',
      text: `clients:
  - url: ${lokiBase}/loki/api/v1/push

scrape_configs:
  - job_name: system
    static_configs:
      - targets: [localhost]
        labels:
          job: varlogs
          __path__: /var/log/*.log`,
    },
    {
      id: 'curl',
      title: 'curl',
      note: 'One log line from a shell, to see that it works.',
      text: `curl -sS ${lokiBase}/loki/api/v1/push \\
  -H 'content-type: application/json' \\
  -d '{"streams":[{"stream":{"service_name":"shell","level":"info"},
       "values":[["'$(date +%s)000000000'","hello from the shell"]]}]}'`,
    },
  ];
}
