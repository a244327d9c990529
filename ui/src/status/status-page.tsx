// What Trivium is doing: what came in per signal, what is listening, the engine, limits, build.
import { type ReactNode, useEffect, useState } from 'react';
import { fetchStatus, type Signal, type Status } from '../api/status.ts';
import { useRequest } from '../api/use-request.ts';
import { Page } from '../app/page.tsx';
import { formatValue } from '../charts/units.ts';
import { Badge } from '../design/badge.tsx';
import { EmptyState, ErrorState, Notice, Skeleton } from '../design/states.tsx';
import { formatAgo, formatDateTime } from '../time/range.ts';
import './status.css';

const periodMs = 5000;

const signals: readonly { id: Signal; name: string; item: string }[] = [
  { id: 'metrics', name: 'Metrics', item: 'samples' },
  { id: 'logs', name: 'Logs', item: 'records' },
  { id: 'traces', name: 'Traces', item: 'spans' },
];

/** Reloads while the page is visible. */
function useTicks(): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTick((before) => before + 1);
    }, periodMs);
    return () => clearInterval(timer);
  }, []);
  return tick;
}

const whole = (n: number) => n.toLocaleString('en-US').replaceAll(',', ' ');

function SignalPanels({ status }: { status: Status }) {
  return (
    <div className="signal-panels">
      {signals.map(({ id, name, item }) => {
        const seen = status.signals[id];
        return (
          <section key={id} className="panel signal-panel" aria-label={name}>
            <h2>{name}</h2>
            {!seen || (seen.accepted === 0 && seen.refused === 0) ? (
              <p className="muted">{seen ? 'Nothing has come in since the start.' : 'Not reported.'}</p>
            ) : (
              <>
                <p className="signal-rate">
                  {seen.ratePerSecond === undefined ? '–' : formatValue(seen.ratePerSecond, 'none')}
                  <span className="muted"> {item}/s</span>
                </p>
                <dl>
                  <dt>Accepted</dt>
                  <dd title={whole(seen.accepted)}>{whole(seen.accepted)}</dd>
                  <dt>Refused</dt>
                  <dd className={seen.refused > 0 ? 'bad-text' : ''}>{whole(seen.refused)}</dd>
                  <dt>Last</dt>
                  <dd title={seen.lastMs === undefined ? '' : formatDateTime(seen.lastMs, 'ms')}>
                    {seen.lastMs === undefined ? '–' : formatAgo(seen.lastMs, Date.now())}
                  </dd>
                </dl>
              </>
            )}
          </section>
        );
      })}
    </div>
  );
}

function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <table className="table facts">
      <tbody>
        {rows
          .filter(([, value]) => value !== undefined && value !== null)
          .map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      <div className="panel-header">
        <h2>{title}</h2>
      </div>
      {children}
    </section>
  );
}

const span = (ms: number | undefined) => (ms === undefined ? undefined : formatValue(ms / 1000, 'seconds'));
const bytes = (n: number | undefined) => (n === undefined ? undefined : formatValue(n, 'bytes'));

function Restarts({ count }: { count: number }) {
  return count > 0 ? <Badge tone="warn">{count}</Badge> : '0';
}

function EngineSection({ status }: { status: Status }) {
  const { engine } = status;
  if (!engine) return <EmptyState title="The engine is not reported" />;
  return (
    <>
      {engine.problem && <Notice kind="error">{engine.problem}</Notice>}
      <Facts
        rows={[
          ['Version', engine.version],
          ['Mode', engine.mode],
          ['Up for', span(engine.uptimeMs)],
          ['Memory', bytes(engine.memoryBytes)],
          ['On disk', bytes(engine.diskBytes)],
          ['Parts', engine.parts === undefined ? undefined : whole(engine.parts)],
          [
            'Restarts',
            engine.restarts === undefined ? undefined : <Restarts key="restarts" count={engine.restarts} />,
          ],
        ]}
      />
    </>
  );
}

function Content({ status }: { status: Status }) {
  return (
    <div className="status">
      <SignalPanels status={status} />
      <div className="status-columns">
        <Section title="Listening">
          {status.listeners.length === 0 ? (
            <EmptyState title="No listener is reported" />
          ) : (
            <table className="table">
              <thead>
                <tr>
                  <th>Listener</th>
                  <th>Address</th>
                  <th>Speaks</th>
                </tr>
              </thead>
              <tbody>
                {status.listeners.map((listener) => (
                  <tr key={listener.name}>
                    <td>{listener.name}</td>
                    <td className="mono">{listener.address}</td>
                    <td className="truncate listener-speaks" title={listener.speaks}>
                      {listener.speaks}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Section>
        <div className="status-side">
          <Section title="Engine">
            <EngineSection status={status} />
          </Section>
          <Section title="Trivium">
            <Facts
              rows={[
                ['Version', status.build.version],
                ['Revision', status.build.revision],
                ['Node.js', status.build.node],
                [
                  'Started',
                  status.build.startedMs === undefined ? undefined : formatDateTime(status.build.startedMs),
                ],
                ['Memory', bytes(status.process?.memoryBytes)],
              ]}
            />
          </Section>
        </div>
      </div>
      {status.limits && status.limits.length > 0 && (
        <Section title="Limits">
          <table className="table">
            <thead>
              <tr>
                <th>Limit</th>
                <th className="num">Value</th>
                <th>Meaning</th>
              </tr>
            </thead>
            <tbody>
              {status.limits.map((limit) => (
                <tr key={limit.name}>
                  <td className="mono nowrap">{limit.name}</td>
                  <td className="num nowrap">
                    {typeof limit.value === 'number' ? whole(limit.value) : limit.value}
                  </td>
                  <td>{limit.description}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Section>
      )}
    </div>
  );
}

export default function StatusPage() {
  const tick = useTicks();
  const answer = useRequest('status', (signal) => fetchStatus({ signal }), { tick, keep: true });
  return (
    <Page title="Status" lead={answer.error ? <Badge tone="bad">no answer</Badge> : undefined}>
      {answer.error && !answer.data ? (
        <ErrorState
          title="The status could not be read"
          message={answer.error.message}
          hint={answer.error.hint}
        />
      ) : answer.data ? (
        <>
          {answer.error && <Notice kind="error">Shown is the last answer. {answer.error.message}</Notice>}
          <Content status={answer.data} />
        </>
      ) : (
        <Skeleton lines={10} />
      )}
    </Page>
  );
}
