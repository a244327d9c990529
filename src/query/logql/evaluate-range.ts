/**
 * Range aggregations: lines of a selector through the pipeline, samples into series, windows into points of the grid.
 * Counts are kept as differences over the grid, so that a line costs the same whatever the window; other functions keep
 * the samples.
 */

import { Labels } from '../../model/labels.ts';
import type { LogSelect } from '../../model/select-logs.ts';
import { parseGoDuration } from '../syntax/durations.ts';
import { parseGoFloat } from '../syntax/numbers.ts';
import { FLOAT, hasPoints, newSeries, type StepSeries } from '../vector/series.ts';
import type { GroupingExpr, RangeExpr, UnwrapExpr } from './ast.ts';
import type { EvaluationContext } from './context.ts';
import { WindowIndex } from './grid.ts';
import { LineLabels, StreamLabels } from './line-labels.ts';
import { ParserHints } from './parser-hints.ts';
import { compilePipeline, type Pipeline } from './pipeline.ts';
import { windowFunction } from './range-functions.ts';
import { type SampleGrouping, SeriesIndex, sampleGrouping } from './sample-groups.ts';
import { compileLabelFilter, labelsOfFilter } from './stages/label-filter.ts';
import { parseBytes } from './units.ts';

/** The sample of a line: its value, or undefined when the line gives none. */
type SampleReader = (line: string, lineBytes: number, labels: LineLabels) => number | undefined;

interface RangePlan {
  readonly pipeline: Pipeline;
  readonly grouping: SampleGrouping;
  readonly labels: LineLabels;
  /** Structured metadata can be seen by the answer or by a stage. */
  readonly needsMetadata: boolean;
  readonly read: SampleReader;
  readonly select: LogSelect;
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return encoder.encode(text).length;
  return text.length;
}

/** The points of a range aggregation. `around` is the grouping of a sum that stands directly around it. */
export async function evaluateRange(
  expr: RangeExpr,
  around: GroupingExpr | undefined,
  context: EvaluationContext,
): Promise<StepSeries[]> {
  const plan = planRange(expr, around, context);
  const windows = new WindowIndex(context.grid, expr.rangeNs, expr.offsetNs);
  const seconds = Number(expr.rangeNs) / 1e9;
  switch (expr.operation) {
    case 'absent_over_time': {
      const series = await countSeries(expr, plan, windows, context, 1);
      return absent(expr, series, windows.points);
    }
    case 'count_over_time':
    case 'bytes_over_time':
      return countSeries(expr, plan, windows, context, 1);
    case 'bytes_rate':
      return countSeries(expr, plan, windows, context, seconds);
    case 'rate':
      if (expr.unwrap === undefined) return countSeries(expr, plan, windows, context, seconds);
  }
  return collectSeries(expr, plan, windows, context);
}

function planRange(expr: RangeExpr, around: GroupingExpr | undefined, context: EvaluationContext): RangePlan {
  const { unwrap, log } = expr;
  const pipeline = compilePipeline(log.stages, context.nowNs);
  const own =
    expr.operation === 'absent_over_time' ? { without: false, labels: [] } : (expr.grouping ?? around);
  const grouping = sampleGrouping(own, unwrap?.label);
  const filterLabels = unwrap?.filters.flatMap(labelsOfFilter) ?? [];
  const by = pipeline.reads === undefined || grouping.kind === 'without' ? undefined : grouping.labels;
  const hints = ParserHints.forMetric([...(pipeline.reads ?? []), ...filterLabels], by, unwrap?.label);
  const isBytes = expr.operation === 'bytes_over_time' || expr.operation === 'bytes_rate';
  const { grid } = context;
  const lastNs = grid.startNs + BigInt(grid.points - 1) * grid.stepNs;
  // Nothing is grouped by, nothing is looked at: neither labels nor metadata matter.
  const isNothingAsked =
    grouping.kind === 'none' &&
    unwrap === undefined &&
    !log.stages.some(
      (stage) => stage.kind !== 'line-filter' && stage.kind !== 'json' && stage.kind !== 'logfmt',
    );
  const select: LogSelect = {
    tenant: context.tenant,
    matchers: log.matchers,
    // A window is open on the left and closed on the right.
    startNs: grid.startNs - expr.offsetNs - expr.rangeNs + 1n,
    endNs: lastNs - expr.offsetNs + 1n,
    direction: 'forward',
    hints: context.useHints ? pipeline.hints : {},
    needLines: !context.useHints || pipeline.usesLine,
    needMetadata: !context.useHints || !isNothingAsked,
    // Counts need no order; other functions sort the samples of a series themselves.
    anyOrder: context.useHints,
  };
  return {
    pipeline,
    grouping,
    labels: new LineLabels(hints),
    needsMetadata: !isNothingAsked,
    read: unwrap === undefined ? lineReader(isBytes, pipeline) : unwrapReader(unwrap),
    select,
  };
}

function lineReader(isBytes: boolean, pipeline: Pipeline): SampleReader {
  if (!isBytes) return () => 1;
  if (!pipeline.changesLine) return (_, lineBytes) => lineBytes;
  return (line) => utf8Length(line);
}

function unwrapReader(unwrap: UnwrapExpr): SampleReader {
  const convert = conversion(unwrap);
  const tests = unwrap.filters.map(compileLabelFilter);
  return (_line, _bytes, labels) => {
    const text = labels.get(unwrap.label);
    // A line without the label has no sample, and that is no error.
    if (text === undefined || text === '') return undefined;
    let value = convert(text);
    if (value === undefined) {
      labels.setError('SampleExtractionErr', `cannot read ${JSON.stringify(text)}`);
      value = 0;
    }
    for (const test of tests) if (!test(labels)) return undefined;
    return value;
  };
}

function conversion(unwrap: UnwrapExpr): (text: string) => number | undefined {
  switch (unwrap.conversion) {
    case undefined:
      return parseGoFloat;
    case 'bytes':
      return parseBytes;
    case 'duration':
    case 'duration_seconds':
      return (text) => {
        const ns = parseGoDuration(text);
        return ns === undefined ? undefined : Number(ns) / 1e9;
      };
  }
}

/** Called for every sample that counts for a point. */
type SampleSink = (series: number, time: number, value: number) => void;

async function readSamples(
  plan: RangePlan,
  windows: WindowIndex,
  index: SeriesIndex,
  context: EvaluationContext,
  sink: SampleSink,
): Promise<void> {
  const { pipeline, labels, select, read, needsMetadata } = plan;
  const { run } = pipeline;
  const { stats } = context;
  if (select.endNs <= select.startNs) return;
  const streams = new Map<Labels, StreamLabels>();
  for await (const block of context.source.select(select, context.signal)) {
    const bases = block.streams.map((stream) => streamOf(streams, stream));
    const halves = new Uint32Array(block.timesNs.buffer, block.timesNs.byteOffset, block.timesNs.length * 2);
    for (let i = 0; i < block.timesNs.length; i++) {
      stats.bytes += block.lineBytes[i] as number;
      const time = windows.relative(halves[i * 2] as number, (halves[i * 2 + 1] as number) | 0);
      if (!windows.find(time)) continue;
      labels.reset(
        bases[block.streamIndex[i] as number] as StreamLabels,
        needsMetadata ? block.metadata[i] : undefined,
        pipeline.usesLine ? (block.timesNs[i] as bigint) : 0n,
      );
      const line = run(block.lines[i] as string, labels);
      if (line === undefined) continue;
      const value = read(line, block.lineBytes[i] as number, labels);
      if (value === undefined) continue;
      stats.kept++;
      const series = index.of(labels);
      index.check(series);
      sink(series, time, value);
    }
    stats.lines += block.timesNs.length;
  }
}

function streamOf(streams: Map<Labels, StreamLabels>, labels: Labels): StreamLabels {
  let stream = streams.get(labels);
  if (stream === undefined) {
    stream = new StreamLabels(labels);
    streams.set(labels, stream);
  }
  return stream;
}

/** Counts and sums of bytes: whole numbers, so that differences over the grid are exact. */
async function countSeries(
  expr: RangeExpr,
  plan: RangePlan,
  windows: WindowIndex,
  context: EvaluationContext,
  divisor: number,
): Promise<StepSeries[]> {
  const pushed = await countInStorage(expr, plan, windows, context, divisor);
  if (pushed !== undefined) return pushed;
  const index = new SeriesIndex(plan.grouping);
  const { points } = windows;
  const lines: Float64Array[] = [];
  const sums: Float64Array[] = [];
  await readSamples(plan, windows, index, context, (series, _time, value) => {
    if (series === lines.length) {
      lines.push(new Float64Array(points + 1));
      sums.push(new Float64Array(points + 1));
    }
    const count = lines[series] as Float64Array;
    const sum = sums[series] as Float64Array;
    const { first, last } = windows;
    count[first] = (count[first] as number) + 1;
    count[last + 1] = (count[last + 1] as number) - 1;
    sum[first] = (sum[first] as number) + value;
    sum[last + 1] = (sum[last + 1] as number) - value;
  });
  return index.labels.map((labels, s) => {
    const series = newSeries(labels, points);
    const count = lines[s] as Float64Array;
    const sum = sums[s] as Float64Array;
    let present = 0;
    let total = 0;
    for (let i = 0; i < points; i++) {
      present += count[i] as number;
      total += sum[i] as number;
      if (present === 0) continue;
      series.kinds[i] = FLOAT;
      series.values[i] = total / divisor;
    }
    return series;
  });
}

/** Lets storage count, where the hints say all that the pipeline does; undefined when it cannot. */
async function countInStorage(
  expr: RangeExpr,
  plan: RangePlan,
  windows: WindowIndex,
  context: EvaluationContext,
  divisor: number,
): Promise<StepSeries[] | undefined> {
  const { source, grid } = context;
  if (!context.useHints || source.buckets === undefined || !plan.pipeline.isExact) return undefined;
  if (plan.select.endNs <= plan.select.startNs) return [];
  const isBytes = expr.operation === 'bytes_over_time' || expr.operation === 'bytes_rate';
  const { grouping } = plan;
  if (grouping.kind === 'without' && grouping.labels.length > 0) return undefined;
  const groups = await source.buckets(
    {
      select: plan.select,
      gridStartNs: grid.startNs - expr.offsetNs,
      stepNs: grid.stepNs,
      points: grid.points,
      windowNs: expr.rangeNs,
      measure: isBytes ? 'bytes' : 'lines',
      ...(grouping.kind === 'without' ? {} : { by: grouping.labels }),
    },
    context.signal,
  );
  if (groups === undefined) return undefined;
  context.stats.pushedDown++;
  return groups.map(({ labels, values, present }) => {
    const series = newSeries(labels, windows.points);
    for (let i = 0; i < windows.points; i++) {
      if (present[i] === 0) continue;
      series.kinds[i] = FLOAT;
      series.values[i] = (values[i] as number) / divisor;
    }
    return series;
  });
}

/** Functions that look at the samples of a window. */
async function collectSeries(
  expr: RangeExpr,
  plan: RangePlan,
  windows: WindowIndex,
  context: EvaluationContext,
): Promise<StepSeries[]> {
  const index = new SeriesIndex(plan.grouping);
  const times: number[][] = [];
  const values: number[][] = [];
  await readSamples(plan, windows, index, context, (series, time, value) => {
    if (series === times.length) {
      times.push([]);
      values.push([]);
    }
    (times[series] as number[]).push(time);
    (values[series] as number[]).push(value);
  });
  const apply = windowFunction(expr.operation, windows.window, expr.parameter);
  return index.labels.map((labels, s) => {
    const series = newSeries(labels, windows.points);
    const [at, of] = inOrder(times[s] as number[], values[s] as number[]);
    let from = 0;
    let to = 0;
    for (let i = 0; i < windows.points; i++) {
      const point = windows.pointTime(i);
      while (to < at.length && (at[to] as number) <= point) to++;
      while (from < to && (at[from] as number) <= point - windows.window) from++;
      if (from === to) continue;
      series.kinds[i] = FLOAT;
      series.values[i] = apply(at, of, from, to);
    }
    return series;
  });
}

/** Samples by time; those of one time stay in the order in which they came. */
function inOrder(times: number[], values: number[]): [times: readonly number[], values: readonly number[]] {
  let sorted = true;
  for (let i = 1; i < times.length && sorted; i++) sorted = (times[i - 1] as number) <= (times[i] as number);
  if (sorted) return [times, values];
  const order = Uint32Array.from(times, (_, i) => i);
  order.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
  return [Array.from(order, (i) => times[i] as number), Array.from(order, (i) => values[i] as number)];
}

/** A series of ones where nothing else is, with the labels that the selector's equality matchers name. */
function absent(expr: RangeExpr, present: readonly StepSeries[], points: number): StepSeries[] {
  const pairs = new Map<string, string>();
  const unclear = new Set<string>();
  for (const { name, op, value } of expr.log.matchers) {
    if (op === '=' && !pairs.has(name)) pairs.set(name, value);
    else unclear.add(name);
  }
  for (const name of unclear) pairs.delete(name);
  const series = newSeries(Labels.fromPairs(pairs), points);
  for (let i = 0; i < points; i++) {
    if (present.some((other) => other.kinds[i] === FLOAT)) continue;
    series.kinds[i] = FLOAT;
    series.values[i] = 1;
  }
  return hasPoints(series) ? [series] : [];
}
