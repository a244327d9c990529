// The demo's faults: switches that break the shop in known ways, and where to look for the traces of it.
import { useState } from 'react';
import { type Fault, fetchFaults, setFault } from '../api/demo.ts';
import { toApiError } from '../api/http.ts';
import { tagValues } from '../api/tempo.ts';
import { useRequest } from '../api/use-request.ts';
import { exploreHref, quoteLiteral, searchHref } from '../app/links.ts';
import { Page } from '../app/page.tsx';
import { Link } from '../app/router.tsx';
import { Badge } from '../design/badge.tsx';
import { EmptyState, ErrorState, Notice, Skeleton } from '../design/states.tsx';
import { useTime } from '../time/time-context.tsx';
import './demo.css';

function FaultRow({ fault, onChanged }: { fault: Fault; onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const toggle = () => {
    setBusy(true);
    setProblem('');
    setFault(fault.id, !fault.enabled)
      .then(onChanged, (error: unknown) => setProblem(toApiError(error).message))
      .finally(() => setBusy(false));
  };
  const title = `fault-${fault.id}`;
  return (
    <li className="fault">
      <button
        type="button"
        role="switch"
        className="switch"
        aria-checked={fault.enabled}
        aria-labelledby={title}
        disabled={busy}
        onClick={toggle}
      />
      <div>
        <h2 id={title}>
          {fault.title} {fault.enabled && <Badge tone="bad">on</Badge>}
        </h2>
        <p className="muted">{fault.description}</p>
        {problem && <Notice kind="error">{problem}</Notice>}
      </div>
    </li>
  );
}

function Services() {
  const { range, raw, tick } = useTime();
  const answer = useRequest(
    `services\n${range.fromMs}\n${range.toMs}`,
    (signal) => tagValues({ tag: 'resource.service.name', ...range }, { signal }),
    { tick, keep: true },
  );
  if (answer.error)
    return <Notice kind="warn">The services could not be read: {answer.error.message}</Notice>;
  if (!answer.data) return <Skeleton lines={5} />;
  if (answer.data.length === 0) return <EmptyState title="No service has sent spans in the last minutes" />;
  return (
    <table className="table">
      <tbody>
        {answer.data.map(({ value }) => {
          const name = quoteLiteral(value);
          const latency = `{ resource.service.name = ${name} && kind = server } | quantile_over_time(duration, .5, .95)`;
          return (
            <tr key={value}>
              <td className="truncate demo-service" title={value}>
                {value}
              </td>
              <td className="demo-links">
                <Link href={exploreHref({ lang: 'traceql', q: latency, ...raw })}>Latency</Link>
                <Link href={searchHref({ q: `{ resource.service.name = ${name} }`, ...raw })}>Traces</Link>
                <Link href={exploreHref({ lang: 'logql', q: `{service_name=${name}}`, ...raw })}>Logs</Link>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

export default function DemoPage() {
  const [tick, setTick] = useState(0);
  const faults = useRequest('faults', (signal) => fetchFaults({ signal }), { tick, keep: true });
  const absent = faults.error?.kind === 'not-found';
  return (
    <Page title="Demo faults">
      {absent ? (
        <EmptyState title="The demo shop is not running">
          Start it with <code>trivium demo</code>. A plain <code>trivium serve</code> has no faults to switch
          on.
        </EmptyState>
      ) : faults.error ? (
        <ErrorState
          title="The faults could not be read"
          message={faults.error.message}
          hint={faults.error.hint}
        />
      ) : !faults.data ? (
        <Skeleton lines={6} />
      ) : (
        <div className="demo">
          <section className="panel" aria-label="Faults">
            <ul className="faults">
              {faults.data.map((fault) => (
                <FaultRow key={fault.id} fault={fault} onChanged={() => setTick((before) => before + 1)} />
              ))}
            </ul>
          </section>
          <section className="panel" aria-label="Services of the shop">
            <div className="panel-header">
              <h2>Services of the shop</h2>
            </div>
            <Services />
          </section>
        </div>
      )}
    </Page>
  );
}
