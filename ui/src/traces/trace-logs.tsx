// The tab with the log lines of the whole trace, of all services in order of time.
import { useMemo, useState } from 'react';
import type { TraceAnalysis } from './analysis.ts';
import { traceLogAttempts } from './log-lines.ts';
import { LogList } from './log-list.tsx';
import { useLogLines } from './use-log-lines.ts';

const LIMIT = 1000;

export function TraceLogs({ traceId, analysis }: { traceId: string; analysis: TraceAnalysis }) {
  const { tree, colours } = analysis;
  const attempts = useMemo(
    () =>
      traceLogAttempts({
        traceId: tree.spans[0]?.traceId ?? traceId,
        startNs: tree.startNs,
        endNs: tree.startNs + BigInt(Math.round(tree.lengthNs)),
      }),
    [tree, traceId],
  );
  const [tick, setTick] = useState(0);
  const state = useLogLines(attempts, LIMIT, tick);
  return (
    <div className="trace-scroll">
      <div className="panel trace-panel">
        <LogList
          label="Logs of this trace"
          state={state}
          onRetry={() => setTick((t) => t + 1)}
          colours={colours}
          emptyText="No stored line carries this trace’s id, neither as a field nor in its text."
        />
      </div>
    </div>
  );
}
