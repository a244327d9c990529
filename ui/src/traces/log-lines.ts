/**
 * From a span to its log lines: which LogQL to ask, in which order, and Loki's answer as a flat list.
 * Pure: asking is `use-log-lines.ts`'s business.
 */

import type { LogStream } from '../api/loki.ts';
import { quoteLiteral } from '../app/links.ts';
import { type Level, type LogRow, rowTraceId, toRows } from '../logs/log-model.ts';

export interface LogLine {
  /** Unique within a list. */
  readonly key: string;
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  readonly text: string;
  readonly level: Level;
  readonly service: string;
  /** Lower-case hex; empty if the line names none. */
  readonly traceId: string;
  readonly spanId: string;
}

/** One way to find the lines; the first that finds any is used, and `told` says which that was. */
export interface LogAttempt {
  readonly query: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** What is shown when this attempt is the one, for a person; empty for what was asked for. */
  readonly told: string;
}

export interface SpanWindow {
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Clocks of log pipelines differ from those of spans; ids make the wide window harmless. */
const AROUND_MS = 10_000;
const AROUND_WITHOUT_ID_MS = 1_000;

const anyService = '{service_name=~".+"}';

function windowMs(startNs: bigint, endNs: bigint, aroundMs: number): { fromMs: number; toMs: number } {
  const toNs = endNs > startNs ? endNs : startNs;
  return {
    fromMs: Number(startNs / 1_000_000n) - aroundMs,
    toMs: Number(toNs / 1_000_000n) + 1 + aroundMs,
  };
}

/** Ways to the lines of one span, best first; `trace` is the window of its whole trace. */
export function spanLogAttempts(
  span: SpanWindow,
  trace: { readonly startNs: bigint; readonly endNs: bigint },
): LogAttempt[] {
  const service = `{service_name=${quoteLiteral(span.service)}}`;
  return [
    {
      query: `${service} | trace_id=${quoteLiteral(span.traceId)} | span_id=${quoteLiteral(span.spanId)}`,
      ...windowMs(span.startNs, span.endNs, AROUND_MS),
      told: '',
    },
    {
      query: `${service} | trace_id=${quoteLiteral(span.traceId)}`,
      ...windowMs(trace.startNs, trace.endNs, AROUND_MS),
      told: `No line carries this span’s id. These are the lines of ${span.service} in this trace.`,
    },
    ...traceLogAttempts({ ...trace, traceId: span.traceId }).map((attempt) => ({
      ...attempt,
      told:
        attempt.told === ''
          ? 'No line carries this span’s id. These are the lines of the whole trace.'
          : `No line carries this span’s id. ${attempt.told}`,
    })),
    {
      query: service,
      ...windowMs(span.startNs, span.endNs, AROUND_WITHOUT_ID_MS),
      told: `No line names the trace. This is what ${span.service} wrote at that time (± 1 s); it may belong to other requests.`,
    },
  ];
}

/** Ways to the lines of a whole trace, best first. */
export function traceLogAttempts(trace: {
  readonly traceId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}): LogAttempt[] {
  const range = windowMs(trace.startNs, trace.endNs, AROUND_MS);
  const id = quoteLiteral(trace.traceId);
  return [
    { query: `${anyService} | trace_id=${id}`, ...range, told: '' },
    { query: `${anyService} |= ${id}`, ...range, told: 'These lines contain the trace id in their text.' },
  ];
}

const SPAN_NAMES = ['span_id', 'spanid', 'spanId', 'spanID'];
const SPAN_IN_TEXT = /\bspan_?id["']?\s*[=:]\s*["']?([0-9a-f]{16})\b/i;

/** Streams of a Loki answer as one list, oldest first; equal times keep their order. */
export function toLogLines(streams: readonly LogStream[]): LogLine[] {
  return toRows(streams, 'forward').map((row) => ({
    key: row.key,
    timeNs: BigInt(row.ns),
    text: row.line,
    level: row.level,
    service: fieldOf(row, ['service_name']),
    traceId: rowTraceId(row) ?? '',
    spanId: (fieldOf(row, SPAN_NAMES) || (SPAN_IN_TEXT.exec(row.line)?.[1] ?? '')).toLowerCase(),
  }));
}

function fieldOf(row: LogRow, names: readonly string[]): string {
  for (const labels of [row.metadata, row.parsed, row.stream])
    for (const name of names) if (labels[name] !== undefined) return labels[name];
  return '';
}
