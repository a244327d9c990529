/** Asks for log lines by one attempt after the other, until one finds any. */

import { queryLogRange } from '../api/loki.ts';
import { type RequestState, useRequest } from '../api/use-request.ts';
import { type LogAttempt, type LogLine, toLogLines } from './log-lines.ts';

export interface FoundLines {
  readonly lines: readonly LogLine[];
  /** The attempt that found them; the first one when none did. */
  readonly attempt: LogAttempt;
  /** More lines than were asked for. */
  readonly cut: boolean;
}

/** A held arrow key passes spans faster than anyone reads: only where it rests for this long is asked. */
const REST_MS = 120;

export function useLogLines(
  attempts: readonly LogAttempt[],
  limit: number,
  tick = 0,
): RequestState<FoundLines> {
  const key = attempts.map((a) => `${a.query}|${a.fromMs}|${a.toMs}`).join('\n');
  return useRequest(key === '' ? null : key, (signal) => findLines(attempts, limit, signal), { tick });
}

async function findLines(
  attempts: readonly LogAttempt[],
  limit: number,
  signal: AbortSignal,
): Promise<FoundLines> {
  await rest(signal);
  for (const attempt of attempts) {
    const { query, fromMs, toMs } = attempt;
    const { data } = await queryLogRange({ query, fromMs, toMs, limit, direction: 'forward' }, { signal });
    if (data.resultType !== 'streams') continue;
    const lines = toLogLines(data.result);
    if (lines.length > 0) return { lines, attempt, cut: lines.length >= limit };
  }
  return { lines: [], attempt: attempts[0]!, cut: false };
}

function rest(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, REST_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('aborted', 'AbortError'));
    });
  });
}
