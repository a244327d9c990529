/** Log queries: lines through the pipeline, in order of time, up to a limit. */

import { Labels } from '../../model/labels.ts';
import type { LogSelect, LogsSource } from '../../model/select-logs.ts';
import type { LogExpr } from './ast.ts';
import type { QueryStats } from './context.ts';
import { FROM_LINE, FROM_METADATA, LineLabels, StreamLabels } from './line-labels.ts';
import { ParserHints } from './parser-hints.ts';
import { compilePipeline } from './pipeline.ts';

export interface LogQueryRange {
  readonly tenant: string;
  readonly startNs: bigint;
  /** Not included. */
  readonly endNs: bigint;
  readonly direction: 'forward' | 'backward';
  readonly limit: number;
  /** Entries are at least this far apart; 0 for all of them. */
  readonly intervalNs: bigint;
}

/** One line of an answer. */
export interface LogEntry {
  readonly timeNs: bigint;
  readonly line: string;
  /** All labels: of the stream, structured metadata and what stages added. */
  readonly labels: Labels;
  /** Labels of the stream alone, as the stages left them. */
  readonly stream: Labels;
  readonly metadata: Labels;
  readonly parsed: Labels;
}

export interface LogQueryOptions {
  readonly nowNs: bigint;
  readonly useHints: boolean;
  readonly stats: QueryStats;
  readonly signal?: AbortSignal | undefined;
  /** Fill stream, metadata and parsed of the entries. */
  readonly categorize?: boolean;
}

/** Lines of one block asked for at first when a limit is set and the pipeline decides what is wanted. */
export async function* readEntries(
  expr: LogExpr,
  range: LogQueryRange,
  source: LogsSource,
  options: LogQueryOptions,
): AsyncIterable<LogEntry> {
  if (range.limit <= 0 || range.endNs <= range.startNs) return;
  const pipeline = compilePipeline(expr.stages, options.nowNs);
  const pushesLimit = options.useHints && pipeline.isExact && range.intervalNs === 0n;
  const select: LogSelect = {
    tenant: range.tenant,
    matchers: expr.matchers,
    startNs: range.startNs,
    endNs: range.endNs,
    direction: range.direction,
    ...(pushesLimit ? { limit: range.limit } : {}),
    hints: options.useHints ? pipeline.hints : {},
    needLines: true,
  };
  const labels = new LineLabels(ParserHints.all());
  const streams = new Map<Labels, StreamLabels>();
  const { stats } = options;
  const forward = range.direction === 'forward';
  let taken = 0;
  let lastNs: bigint | undefined;
  for await (const block of source.select(select, options.signal)) {
    for (let i = 0; i < block.timesNs.length; i++) {
      stats.lines++;
      stats.bytes += block.lineBytes[i] as number;
      const stream = block.streams[block.streamIndex[i] as number] as Labels;
      let base = streams.get(stream);
      if (base === undefined) {
        base = new StreamLabels(stream);
        streams.set(stream, base);
      }
      const timeNs = block.timesNs[i] as bigint;
      labels.reset(base, block.metadata[i], timeNs);
      const line = pipeline.run(block.lines[i] as string, labels);
      if (line === undefined) continue;
      if (range.intervalNs > 0n && lastNs !== undefined) {
        const gap = forward ? timeNs - lastNs : lastNs - timeNs;
        if (gap < range.intervalNs) continue;
      }
      lastNs = timeNs;
      stats.kept++;
      yield entryOf(timeNs, line, labels, options.categorize === true);
      if (++taken >= range.limit) return;
    }
  }
}

function entryOf(timeNs: bigint, line: string, labels: LineLabels, categorize: boolean): LogEntry {
  const all = labels.labels();
  if (!categorize) {
    return { timeNs, line, labels: all, stream: all, metadata: Labels.EMPTY, parsed: Labels.EMPTY };
  }
  const parts: [string, string][][] = [[], [], []];
  const category = new Map<string, number>();
  for (const [name, , from] of labels.entries()) category.set(name, from);
  // What is in no category are the errors, which came up with the line.
  for (const [name, value] of all.entries()) {
    (parts[category.get(name) ?? FROM_LINE] as [string, string][]).push([name, value]);
  }
  const pick = (at: number): Labels => {
    const list = parts[at] as [string, string][];
    return Labels.fromSorted(
      list.map((pair) => pair[0]),
      list.map((pair) => pair[1]),
    );
  };
  return {
    timeNs,
    line,
    labels: all,
    stream: pick(0),
    metadata: pick(FROM_METADATA),
    parsed: pick(FROM_LINE),
  };
}
