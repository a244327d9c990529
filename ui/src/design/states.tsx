// What stands where data is not: empty, failed, loading. Honest: says what happened and what to do.
import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';

export function EmptyState({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="state empty" role="status">
      <p className="state-title">{title}</p>
      {children && <div className="state-text">{children}</div>}
      {action && <div className="state-action">{action}</div>}
    </div>
  );
}

export function ErrorState({
  title = 'The request failed',
  message,
  hint,
  action,
}: {
  title?: string;
  message: string;
  hint?: string | undefined;
  action?: ReactNode;
}) {
  return (
    <div className="state error" role="alert">
      <p className="state-title">
        <Icon name="alert" /> {title}
      </p>
      <pre className="state-message">{message}</pre>
      {hint && <p className="state-text">{hint}</p>}
      {action && <div className="state-action">{action}</div>}
    </div>
  );
}

/** One line inside a page whose other parts still work. */
export function Notice({
  kind = 'info',
  children,
}: {
  kind?: 'info' | 'warn' | 'error';
  children: ReactNode;
}) {
  return (
    <div className={`notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {kind !== 'info' && <Icon name="alert" size={14} />}
      <div>{children}</div>
    </div>
  );
}

/** Grey lines in the place of text that is being loaded. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  if (height !== undefined) return <div className="skeleton block" style={{ height }} aria-busy="true" />;
  const widths = ['92%', '78%', '85%', '64%', '88%', '71%'];
  return (
    <div className="skeleton-lines" aria-busy="true">
      {Array.from({ length: lines }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <div key={i} className="skeleton" style={{ width: widths[i % widths.length] }} />
      ))}
    </div>
  );
}

/** A thin line that moves while something is under way; keeps its place when idle. */
export function ProgressLine({ active }: { active: boolean }) {
  return (
    <div
      className={active ? 'progress-line active' : 'progress-line'}
      role="progressbar"
      aria-label="Loading"
      aria-hidden={!active}
    />
  );
}
