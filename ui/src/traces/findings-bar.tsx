// What the analysis found, as short buttons that lead to the span in question.
import { Icon } from '../design/icon.tsx';
import type { TraceAnalysis } from './analysis.ts';
import { type Finding, repeatedCallsText } from './findings.ts';
import { fullName } from './span-metrics.ts';
import { durationText } from './span-time.ts';

export interface FindingsBarProps {
  analysis: TraceAnalysis;
  onSelect: (row: number) => void;
}

export function FindingsBar({ analysis, onSelect }: FindingsBarProps) {
  const { findings } = analysis;
  if (findings.length === 0) return null;
  return (
    <ul className="findings" aria-label="Findings">
      {findings.map((finding) => {
        const { text, title, tone } = describe(finding, analysis);
        return (
          <li key={`${finding.kind}/${finding.row}/${text}`}>
            <button
              type="button"
              className={`finding ${tone}`}
              title={title}
              onClick={() => onSelect(finding.row)}
            >
              {tone !== 'neutral' && <Icon name="alert" size={13} />}
              <span className="truncate">{text}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

interface Description {
  text: string;
  title: string;
  tone: 'bad' | 'warn' | 'neutral';
}

function describe(finding: Finding, { tree }: TraceAnalysis): Description {
  const name = (row: number): string => `${tree.spans[row]!.resource.service} ${fullName(tree.spans[row]!)}`;
  switch (finding.kind) {
    case 'error':
      return {
        text: `Error began in ${name(finding.row)}`,
        title: tree.spans[finding.row]!.statusMessage || 'No error lies below this span',
        tone: 'bad',
      };
    case 'repeated':
      return {
        text: `${repeatedCallsText(finding.calls)} (${durationText(finding.calls.totalNs)})`,
        title: `Called one after another by ${name(finding.calls.parent)}: an N+1 pattern; one call for all may do`,
        tone: 'warn',
      };
    case 'gap': {
      const { gap } = finding;
      const where =
        gap.after !== -1 && gap.before !== -1
          ? `between ${tree.spans[gap.after]!.name} and ${tree.spans[gap.before]!.name}`
          : gap.before !== -1
            ? `before ${tree.spans[gap.before]!.name}`
            : `after ${tree.spans[gap.after]!.name}`;
      return {
        text: `${durationText(gap.toNs - gap.fromNs)} without a child span in ${name(gap.row)}`,
        title: `The time lies ${where}: own work, waiting, or code that is not instrumented`,
        tone: 'neutral',
      };
    }
    case 'orphans':
      return {
        text: finding.rows.length === 1 ? '1 orphan span' : `${finding.rows.length} orphan spans`,
        title:
          'Their parent is not in the trace: not arrived, not sampled, or the context was lost on the way',
        tone: 'warn',
      };
    case 'skew':
      return {
        text: `Clock of ${tree.spans[finding.row]!.resource.service} corrected by ${durationText(finding.maxNs)}`,
        title: `${finding.rows.length} span(s) contradict causality as recorded and are drawn at corrected times`,
        tone: 'neutral',
      };
    case 'cycle':
      return {
        text: 'Spans are their own ancestors',
        title: 'The parent ids form a circle; it is cut at its earliest span',
        tone: 'warn',
      };
    case 'duplicates':
      return {
        text: `${finding.rows.length} spans share span ids`,
        title: 'Different spans came with the same id',
        tone: 'warn',
      };
  }
}
