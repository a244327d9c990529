// The first page: what to do while nothing has come in; the services with rate, errors and duration
// once something has. Computed from the public query APIs.
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { queryLogInstant } from '../api/loki.ts';
import { queryInstant } from '../api/prometheus.ts';
import { fetchStatus, type Signal, type Status } from '../api/status.ts';
import { traceMetricsRange } from '../api/tempo.ts';
import { type RequestState, useRequest } from '../api/use-request.ts';
import { exploreHref, quoteLiteral, searchHref } from '../app/links.ts';
import { Page } from '../app/page.tsx';
import { Link } from '../app/router.tsx';
import { parseSample } from '../charts/columns.ts';
import { chooseStepMs } from '../charts/step.ts';
import { formatValue } from '../charts/units.ts';
import { Button } from '../design/button.tsx';
import { ErrorState, Notice, ProgressLine, Skeleton } from '../design/states.tsx';
import { formatAgo, formatDurationParam } from '../time/range.ts';
import { useTime } from '../time/time-context.tsx';
import { TimePicker } from '../time/time-picker.tsx';
import { GettingStarted } from './getting-started.tsx';
import { jobOf, type LatencySource, latencyProbe, latencyQuery, latencySource } from './latency.ts';
import { type ServiceRow, serviceRows, sparklinePath } from './services.ts';
import './home.css';

/** How often the page asks while there is nothing to show. */
const waitingMs = 3000;

const LatencyPanel = lazy(() => import('./latency-panel.tsx'));

// Requests are what a service answers; clients' and inner spans would count them again.
const requests = 'kind = server || kind = consumer';
const byService = 'by (resource.service.name)';

/** Log lines per second by service, over the whole range. */
async function logRates(
  range: { fromMs: number; toMs: number },
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const width = formatDurationParam(Math.round((range.toMs - range.fromMs) / 1000) * 1000);
  const query = `sum by (service_name) (rate({service_name=~".+"}[${width}]))`;
  const { data } = await queryLogInstant({ query, timeMs: range.toMs }, { signal });
  if (data.resultType !== 'vector') return {};
  const out: Record<string, number> = {};
  for (const sample of data.result) {
    const name = sample.metric.service_name;
    if (name && sample.value) out[name] = parseSample(sample.value[1]);
  }
  return out;
}

function Sparkline({ values }: { values: ServiceRow['rates'] }) {
  const path = sparklinePath(values, 140, 22);
  if (path === '') return null;
  return (
    <svg className="sparkline" width="140" height="22" viewBox="0 0 140 22" aria-hidden="true">
      <path d={path} fill="none" stroke="var(--accent)" strokeWidth="1.3" strokeLinejoin="round" />
    </svg>
  );
}

function ratioClass(ratio: number | null): string {
  if (ratio === null || ratio === 0) return 'num muted';
  return ratio >= 0.05 ? 'num bad-text' : ratio >= 0.01 ? 'num warn-text' : 'num';
}

interface ServiceTableProps {
  rows: readonly ServiceRow[];
  latency: LatencySource | null;
  from: string;
  to: string;
}

/** The durations of a service: from its metrics, which have exemplars, else from its spans. */
function latencyHref(service: string, latency: LatencySource | null, from: string, to: string): string {
  const job = latency ? jobOf(latency, service) : undefined;
  if (latency && job !== undefined)
    return exploreHref({ lang: 'promql', q: latencyQuery(latency, job), from, to });
  const spans = `{ resource.service.name = ${quoteLiteral(service)} && (${requests}) }`;
  return exploreHref({
    lang: 'traceql',
    q: `${spans} | quantile_over_time(duration, .5, .95, .99)`,
    from,
    to,
  });
}

function ServiceTable({ rows, latency, from, to }: ServiceTableProps) {
  return (
    <div className="panel services">
      <table className="table">
        <thead>
          <tr>
            <th>Service</th>
            <th className="num">Requests</th>
            <th aria-label="Requests over time" />
            <th className="num">Errors</th>
            <th className="num">p95 duration</th>
            <th className="num">Log lines</th>
            <th aria-label="Links" />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const name = quoteLiteral(row.name);
            const spans = `{ resource.service.name = ${name} }`;
            return (
              <tr key={row.name}>
                <td className="truncate service-name" title={row.name}>
                  <Link href={searchHref({ q: spans, from, to })}>{row.name}</Link>
                </td>
                <td className="num">{formatValue(row.rate, 'per-second')}</td>
                <td>
                  <Sparkline values={row.rates} />
                </td>
                <td className={ratioClass(row.errorRatio)}>{formatValue(row.errorRatio, 'ratio', 2)}</td>
                <td className="num">{formatValue(row.p95Seconds, 'seconds')}</td>
                <td className="num">{formatValue(row.logRate, 'per-second')}</td>
                <td className="service-links">
                  <Link href={latencyHref(row.name, latency, from, to)}>Latency</Link>
                  <Link href={searchHref({ q: spans, from, to })}>Traces</Link>
                  <Link
                    href={searchHref({
                      q: `{ resource.service.name = ${name} && status = error }`,
                      from,
                      to,
                    })}
                  >
                    Errors
                  </Link>
                  <Link href={exploreHref({ lang: 'logql', q: `{service_name=${name}}`, from, to })}>
                    Logs
                  </Link>
                  <Link
                    href={exploreHref({
                      lang: 'promql',
                      q: `count by (__name__) ({job=~${jobPattern(row.name)}})`,
                      view: 'table',
                      from,
                      to,
                    })}
                  >
                    Metrics
                  </Link>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** `job` is `service` or `namespace/service` (OpenTelemetry to Prometheus). */
function jobPattern(service: string): string {
  return quoteLiteral(`(.+/)?${service.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
}

const signalNames: Record<Signal, string> = { metrics: 'samples', logs: 'log records', traces: 'spans' };

/** One line on what came in at all. */
function Arrivals({ status }: { status: Status }) {
  const entries = (Object.keys(signalNames) as Signal[]).flatMap((signal) => {
    const seen = status.signals[signal];
    if (!seen || seen.accepted === 0) return [];
    const last = seen.lastMs === undefined ? '' : `, last ${formatAgo(seen.lastMs, Date.now())}`;
    return [`${formatValue(seen.accepted, 'none')} ${signalNames[signal]}${last}`];
  });
  if (entries.length === 0) return null;
  return (
    <p className="muted arrivals">
      Came in: {entries.join(' · ')}. <Link href="/status">Status</Link>
    </p>
  );
}

function nothingCameIn(status: Status | undefined): boolean | undefined {
  if (!status) return undefined;
  const seen = Object.values(status.signals);
  return seen.length === 0 ? undefined : seen.every((signal) => signal.accepted === 0);
}

/** Failed requests, each named once. */
function Failures({ parts }: { parts: readonly (readonly [string, RequestState<unknown>])[] }) {
  return parts.flatMap(([name, part]) =>
    part.error
      ? [
          <Notice key={name} kind="warn">
            {name} could not be read: {part.error.message}
          </Notice>,
        ]
      : [],
  );
}

export default function HomePage() {
  const { range, raw, tick, reload } = useTime();
  const [help, setHelp] = useState(false);
  const stepMs = chooseStepMs(range.toMs - range.fromMs, 160);
  const key = `${range.fromMs}\n${range.toMs}`;
  const options = { tick, keep: true };
  const metrics = (q: string) => (signal: AbortSignal) =>
    traceMetricsRange({ q, ...range, stepMs }, { signal });
  const status = useRequest('status', (signal) => fetchStatus({ signal }), options);
  const rates = useRequest(`rates\n${key}`, metrics(`{ ${requests} } | rate() ${byService}`), options);
  const errors = useRequest(
    `errors\n${key}`,
    metrics(`{ (${requests}) && status = error } | rate() ${byService}`),
    options,
  );
  const p95 = useRequest(
    `p95\n${key}`,
    metrics(`{ ${requests} } | quantile_over_time(duration, .95) ${byService}`),
    options,
  );
  const logs = useRequest(`logs\n${key}`, (signal) => logRates(range, signal), options);

  const probe = useRequest(
    `latency\n${key}`,
    (signal) => queryInstant({ query: latencyProbe, timeMs: range.toMs }, { signal }),
    options,
  );
  const found = probe.data?.data;
  // Probed again with every reload, but the same answer is the same object for what hangs on it.
  const foundText = found?.resultType === 'vector' ? JSON.stringify(latencySource(found.result)) : 'null';
  const latency = useMemo(() => JSON.parse(foundText) as LatencySource | null, [foundText]);

  const rows = useMemo(
    () => serviceRows({ rates: rates.data, errors: errors.data, p95: p95.data, logs: logs.data }),
    [rates.data, errors.data, p95.data, logs.data],
  );
  const loading = rates.loading || logs.loading || status.loading;
  const answered = rates.data !== undefined || rates.error !== undefined;
  const firstLoad = rows.length === 0 && !answered;
  const empty = nothingCameIn(status.data);
  // Nothing answers: "nothing has come in" would be a guess.
  const unknown = empty === undefined && rates.error !== undefined && logs.error !== undefined;
  const waiting = rows.length === 0;
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, waitingMs);
    return () => clearInterval(timer);
  }, [waiting, reload]);
  const listeners = status.data?.listeners ?? [];
  return (
    <Page title="Services" actions={<TimePicker />}>
      <div className="home">
        <ProgressLine active={loading && rows.length > 0} />
        {firstLoad ? (
          <Skeleton lines={8} />
        ) : rows.length > 0 ? (
          <>
            {status.data && <Arrivals status={status.data} />}
            <Failures
              parts={[
                ['Request rates', rates],
                ['Errors', errors],
                ['Durations', p95],
                ['Log rates', logs],
              ]}
            />
            {latency && (
              <Suspense fallback={<Skeleton height={270} />}>
                <LatencyPanel source={latency} />
              </Suspense>
            )}
            <ServiceTable rows={rows} latency={latency} from={raw.from} to={raw.to} />
            <button type="button" className="home-more" aria-expanded={help} onClick={() => setHelp(!help)}>
              {help ? 'Hide how to send data' : 'Connect another service'}
            </button>
            {help && <GettingStarted listeners={listeners} />}
          </>
        ) : (
          <>
            {!unknown && (
              <Failures
                parts={[
                  ['Status', status],
                  ['Request rates', rates],
                  ['Log rates', logs],
                ]}
              />
            )}
            {empty === false && (
              <>
                {status.data && <Arrivals status={status.data} />}
                <Notice>
                  No service with requests or logs in this range. Choose a longer range, or look at what there
                  is in{' '}
                  <Link href={exploreHref({ lang: 'promql', from: raw.from, to: raw.to })}>Explore</Link>.
                </Notice>
              </>
            )}
            {unknown && (
              <ErrorState
                title="It cannot be told at present what has come in"
                message={[status, rates, logs].map((part) => part.error?.message).find(Boolean) ?? ''}
                hint="The data are not lost: what Trivium has acknowledged is stored. This page goes on asking."
                action={<Button onClick={reload}>Reload</Button>}
              />
            )}
            {empty !== false && !unknown && (
              <div className="home-intro">
                <h2>Nothing has come in yet</h2>
                <p>
                  Trivium is ready and waiting. Point anything at it that speaks OpenTelemetry, Prometheus
                  remote write or Loki; this page shows your services as soon as they send.
                </p>
              </div>
            )}
            {!unknown && <GettingStarted listeners={listeners} />}
          </>
        )}
      </div>
    </Page>
  );
}
