// Time, spans and errors by service.
import type { TraceAnalysis } from './analysis.ts';
import { durationText } from './span-time.ts';

export interface ServiceTableProps {
  analysis: TraceAnalysis;
  onSelect: (row: number) => void;
}

export function ServiceTable({ analysis, onSelect }: ServiceTableProps) {
  const { services, path, colours, tree } = analysis;
  const share = (part: number, whole: number): string =>
    whole > 0 ? `${((100 * part) / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %` : '–';
  let selfSum = 0;
  for (const s of services) selfSum += s.selfNs;
  return (
    <div className="trace-scroll">
      <div className="panel trace-panel">
        <table className="table">
          <thead>
            <tr>
              <th>Service</th>
              <th className="num">Spans</th>
              <th className="num">Errors</th>
              <th title="Time in which the trace as a whole waited for this service">Critical path</th>
              <th title="Durations less the time of child spans; parallel work counts each time">Own time</th>
              <th>Longest span</th>
            </tr>
          </thead>
          <tbody>
            {services.map((s) => (
              <tr key={s.service}>
                <td>
                  <span className="service-dot" style={{ background: colours.get(s.service) }} />
                  {s.service}
                </td>
                <td className="num">{s.spans.toLocaleString('en')}</td>
                <td className={s.errors > 0 ? 'num bad' : 'num muted'}>{s.errors.toLocaleString('en')}</td>
                <td>
                  <Share part={s.criticalNs} whole={path.totalNs} colour={colours.get(s.service)} />
                  {durationText(s.criticalNs)}{' '}
                  <span className="muted">{share(s.criticalNs, path.totalNs)}</span>
                </td>
                <td>
                  <Share part={s.selfNs} whole={selfSum} colour={colours.get(s.service)} />
                  {durationText(s.selfNs)} <span className="muted">{share(s.selfNs, selfSum)}</span>
                </td>
                <td>
                  <button
                    type="button"
                    className="link-button truncate"
                    onClick={() => onSelect(s.longestRow)}
                  >
                    {tree.spans[s.longestRow]!.name}
                  </button>{' '}
                  <span className="muted">{durationText(s.longestNs)}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Share({ part, whole, colour }: { part: number; whole: number; colour: string | undefined }) {
  return (
    <span className="share" aria-hidden="true">
      <span style={{ width: `${whole > 0 ? (100 * part) / whole : 0}%`, background: colour }} />
    </span>
  );
}
