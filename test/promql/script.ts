/** Test scripts: load series, evaluate queries, compare. The format is that of the Prometheus project's scripts. */

import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../src/model/histogram.ts';
import type { Labels } from '../../src/model/labels.ts';
import type { MetricsSource } from '../../src/model/select-metrics.ts';
import { PromqlEngine, type QueryData, type QueryResult } from '../../src/query/promql/index.ts';
import type { EngineOptions } from '../../src/query/promql/options.ts';
import { parseDuration } from '../../src/query/syntax/durations.ts';
import { parseGoFloat } from '../../src/query/syntax/numbers.ts';
import { compact } from '../../src/query/vector/histogram/arithmetic.ts';
import { almostEqual } from '../../src/query/vector/histogram/quantiles.ts';
import { histogramText } from '../../src/query/vector/histogram/text.ts';
import { FLOAT, HISTOGRAM, NONE } from '../../src/query/vector/series.ts';
import { type MemorySample, MemorySource } from './memory-source.ts';
import { parseNumber, parseSeries, type SequenceValue } from './series-notation.ts';

interface Expectation {
  readonly kind: 'ordered' | 'fail' | 'warn' | 'no_warn' | 'info' | 'no_info';
  readonly matches: (text: string) => boolean;
}

interface Eval {
  readonly line: number;
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number | undefined;
  readonly series: { labels: Labels; values: SequenceValue[] }[];
  readonly scalar: number | undefined;
  readonly expectations: Expectation[];
}

type Command =
  | { readonly kind: 'clear' }
  | {
      readonly kind: 'load';
      readonly stepMs: number;
      readonly customBuckets: boolean;
      readonly series: { labels: Labels; values: SequenceValue[] }[];
    }
  | ({ readonly kind: 'eval' } & Eval);

function milliseconds(text: string): number {
  const duration = parseDuration(text);
  if ('error' in duration) throw new Error(duration.error);
  return duration.ms;
}

/** Splits a script into commands. */
export function parseScript(text: string): Command[] {
  const lines = text.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()));
  const commands: Command[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line === '') continue;
    const block: string[] = [];
    const start = i;
    const isBlock = /^(load|eval)/.test(line);
    while (isBlock && i + 1 < lines.length && lines[i + 1] !== '') block.push(lines[++i] as string);
    try {
      commands.push(parseCommand(line, block, start + 1));
    } catch (error) {
      throw new Error(`line ${start + 1}: ${(error as Error).message}`, { cause: error });
    }
  }
  return commands;
}

function parseCommand(line: string, block: string[], number: number): Command {
  if (/^clear\b/.test(line)) return { kind: 'clear' };
  const load = /^load(_with_nhcb)?\s+(.+)$/.exec(line);
  if (load) {
    return {
      kind: 'load',
      stepMs: milliseconds((load[2] as string).trim()),
      customBuckets: load[1] !== undefined,
      series: block.map(parseSeries),
    };
  }
  const instant = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+)$/.exec(line);
  const range = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/.exec(
    line,
  );
  const found = instant ?? range;
  if (!found) throw new Error(`unknown command: ${line}`);
  const expectations: Expectation[] = [];
  const modifier = found[1] as Expectation['kind'] | undefined;
  if (modifier !== undefined) expectations.push({ kind: modifier, matches: () => true });
  const series: { labels: Labels; values: SequenceValue[] }[] = [];
  let scalar: number | undefined;
  for (const text of block) {
    const expect = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/.exec(text);
    const old = /^expected_fail_(message|regexp)\s+(.+)$/.exec(text);
    if (expect) {
      expectations.push({
        kind: expect[1] as Expectation['kind'],
        matches: textTest(expect[2] === 'regex', expect[3]),
      });
    } else if (old) expectations.push({ kind: 'fail', matches: textTest(old[1] === 'regexp', old[2]) });
    else if (parseNumber(text) !== undefined) scalar = parseNumber(text);
    else series.push(parseSeries(text));
  }
  const startMs = milliseconds((instant ? instant[2] : range?.[2]) ?? '0');
  return {
    kind: 'eval',
    line: number,
    query: (instant ? instant[3] : range?.[5]) as string,
    startMs,
    endMs: range ? milliseconds(range[3] as string) : startMs,
    stepMs: range ? milliseconds(range[4] as string) : undefined,
    series,
    scalar,
    expectations,
  };
}

function textTest(isRegex: boolean, text: string | undefined): (actual: string) => boolean {
  if (text === undefined) return () => true;
  const want = text.trim();
  const regex = isRegex ? new RegExp(want) : undefined;
  return (actual) => (regex === undefined ? actual === want : regex.test(actual));
}

function samples(values: readonly SequenceValue[], stepMs: number): MemorySample[] {
  const out: MemorySample[] = [];
  values.forEach((value, k) => {
    if (value !== undefined) out.push({ timestampMs: k * stepMs, value });
  });
  return out;
}

/** Classic histograms among the series as native ones with custom buckets. */
function customBucketHistograms(
  series: readonly { labels: Labels; values: SequenceValue[] }[],
  stepMs: number,
): { labels: Labels; samples: MemorySample[] }[] {
  type Parts = { buckets: Map<number, number>; count: number | undefined; sum: number };
  const groups = new Map<string, { labels: Labels; times: Map<number, Parts> }>();
  for (const { labels, values } of series) {
    const name = /^(.*)_(bucket|sum|count)$/.exec(labels.get('__name__'));
    if (!name) continue;
    const bound = parseGoFloat(labels.get('le'));
    if (name[2] === 'bucket' && (bound === undefined || Number.isNaN(bound))) continue;
    const base = labels.without(new Set(['le'])).with('__name__', name[1] as string);
    const group = groups.get(base.key) ?? { labels: base, times: new Map<number, Parts>() };
    groups.set(base.key, group);
    values.forEach((value, k) => {
      if (typeof value !== 'number') return;
      const parts = group.times.get(k * stepMs) ?? { buckets: new Map(), count: undefined, sum: 0 };
      group.times.set(k * stepMs, parts);
      if (name[2] === 'count') parts.count = value;
      else if (name[2] === 'sum') parts.sum = value;
      else parts.buckets.set(bound as number, value);
    });
  }
  return [...groups.values()].map(({ labels, times }) => ({
    labels,
    samples: [...times].map(([timestampMs, { buckets, count, sum }]) => {
      const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
      const total = count ?? sorted.at(-1)?.[1] ?? 0;
      if (sorted.at(-1)?.[0] !== Number.POSITIVE_INFINITY) sorted.push([Number.POSITIVE_INFINITY, total]);
      const histogram: Histogram = compact({
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: total,
        sum,
        zeroThreshold: 0,
        zeroCount: 0,
        positiveSpans: [{ offset: 0, length: sorted.length }],
        positiveCounts: sorted.map(([, c], i) => c - (i === 0 ? 0 : (sorted[i - 1] as [number, number])[1])),
        negativeSpans: [],
        negativeCounts: [],
        customValues: sorted.slice(0, -1).map(([le]) => le),
        counterReset: 'unknown',
        isFloat: true,
      });
      return { timestampMs, value: histogram };
    }),
  }));
}

export interface ScriptResult {
  readonly evals: number;
  readonly failures: string[];
}

/** Where a script's series go. */
export interface ScriptTarget {
  readonly source: MetricsSource;
  clear(): void | Promise<void>;
  add(labels: Labels, samples: readonly MemorySample[]): void;
  /** All series of a load command have been given. */
  loaded?(): Promise<void>;
}

export function memoryTarget(): ScriptTarget {
  const source = new MemorySource();
  return { source, clear: () => source.clear(), add: (labels, list) => source.add(labels, list) };
}

/** Runs a script. Instant evaluations are also run as range queries and compared at the same time. */
export async function runScript(
  text: string,
  options: EngineOptions,
  target: ScriptTarget = memoryTarget(),
): Promise<ScriptResult> {
  const engine = new PromqlEngine(target.source, options);
  const failures: string[] = [];
  let evals = 0;
  for (const command of parseScript(text)) {
    if (command.kind === 'clear') await target.clear();
    else if (command.kind === 'load') {
      for (const { labels, values } of command.series) target.add(labels, samples(values, command.stepMs));
      if (command.customBuckets) {
        for (const one of customBucketHistograms(command.series, command.stepMs))
          target.add(one.labels, one.samples);
      }
      await target.loaded?.();
    } else {
      evals++;
      for (const failure of await runEval(engine, command))
        failures.push(`line ${command.line}: ${command.query}: ${failure}`);
    }
  }
  return { evals, failures };
}

async function runEval(engine: PromqlEngine, command: Eval): Promise<string[]> {
  const has = (kind: Expectation['kind']) => command.expectations.some((e) => e.kind === kind);
  const query = (startMs: number, endMs: number, stepMs: number | undefined): Promise<QueryResult> =>
    engine.query({
      tenant: 'test',
      query: command.query,
      startMs,
      endMs,
      ...(stepMs === undefined ? {} : { stepMs }),
    });
  let result: QueryResult;
  try {
    result = await query(command.startMs, command.endMs, command.stepMs);
  } catch (error) {
    const { message } = error as Error;
    const fails = command.expectations.filter((e) => e.kind === 'fail');
    if (fails.length === 0) return [`failed: ${message}`];
    return fails.every((e) => e.matches(message)) ? [] : [`failed with other words: ${message}`];
  }
  if (has('fail')) return ['did not fail'];
  const problems = [...annotationProblems(command, result), ...differences(command, result.data)];
  if (
    command.stepMs !== undefined ||
    problems.length > 0 ||
    result.data.type === 'string' ||
    result.data.type === 'samples'
  ) {
    return problems;
  }
  // The same at one step, and in the middle of several.
  for (const [before, after, stepMs] of [
    [0, 0, 60_000],
    [60_000, 60_000, 60_000],
    [2 * 17_000, 17_000, 17_000],
  ] as const) {
    const startMs = command.startMs - before;
    const range = await query(startMs, command.startMs + after, stepMs);
    if (has('ordered') || range.data.type !== 'matrix') continue;
    const at = before / stepMs;
    const series = range.data.series.filter(({ kinds }) => kinds[at] !== NONE);
    const data: QueryData =
      result.data.type === 'scalar'
        ? { type: 'scalar', timeMs: command.startMs, value: series[0]?.values[at] as number }
        : {
            type: 'vector',
            timeMs: command.startMs,
            series: series.map((one) => ({
              labels: one.labels,
              kinds: one.kinds.slice(at, at + 1),
              values: one.values.slice(at, at + 1),
              histograms: one.histograms?.slice(at, at + 1),
            })),
          };
    for (const problem of differences(command, data))
      problems.push(`as range query (step ${stepMs}): ${problem}`);
  }
  return problems;
}

function annotationProblems(command: Eval, result: QueryResult): string[] {
  const problems: string[] = [];
  for (const [kind, none, list] of [
    ['warn', 'no_warn', result.warnings],
    ['info', 'no_info', result.infos],
  ] as const) {
    // Scripts write annotations without their place.
    const texts = list.map((text) => text.replace(/ \(\d+:\d+\)$/, ''));
    const expected = command.expectations.filter((e) => e.kind === kind);
    for (const e of expected)
      if (!texts.some(e.matches)) problems.push(`no ${kind} that matches; got ${texts}`);
    if (expected.length > 0) {
      for (const text of texts)
        if (!expected.some((e) => e.matches(text))) problems.push(`unexpected ${kind}: ${text}`);
    }
    if (command.expectations.some((e) => e.kind === none) && texts.length > 0)
      problems.push(`unexpected ${kind}: ${texts}`);
  }
  return problems;
}

const EPSILON = 1e-6;

function sameValue(want: SequenceValue, got: number | Histogram | undefined): boolean {
  if (typeof want === 'number' && typeof got === 'number') return almostEqual(want, got, EPSILON);
  if (typeof want !== 'object' || typeof got !== 'object') return want === got;
  const a = compact(want);
  const b = compact(got);
  const same = (x: readonly number[], y: readonly number[]) =>
    x.length === y.length && x.every((v, i) => almostEqual(v, y[i] as number, EPSILON));
  const spans = (list: Histogram['positiveSpans']) => list.flatMap(({ offset, length }) => [offset, length]);
  return (
    a.schema === b.schema &&
    almostEqual(a.count, b.count, EPSILON) &&
    almostEqual(a.sum, b.sum, EPSILON) &&
    a.zeroThreshold === b.zeroThreshold &&
    almostEqual(a.zeroCount, b.zeroCount, EPSILON) &&
    same(a.customValues, b.customValues) &&
    same(a.positiveCounts, b.positiveCounts) &&
    same(a.negativeCounts, b.negativeCounts) &&
    same(spans(a.positiveSpans), spans(b.positiveSpans)) &&
    same(spans(a.negativeSpans), spans(b.negativeSpans))
  );
}

function show(value: SequenceValue): string {
  return typeof value === 'object' ? histogramText(value) : String(value);
}

function differences(command: Eval, data: QueryData): string[] {
  if (data.type === 'scalar') {
    if (command.scalar === undefined) return [`got the scalar ${data.value}`];
    return sameValue(command.scalar, data.value) ? [] : [`want ${command.scalar}, got ${data.value}`];
  }
  if (command.scalar !== undefined) return [`want the scalar ${command.scalar}, got a ${data.type}`];
  const problems: string[] = [];
  const got = new Map<string, { at: number; labels: Labels; values: SequenceValue[] }>();
  if (data.type === 'samples') {
    // A range vector lists its samples; scripts cannot say at which times.
    data.series.forEach(({ labels, values, histograms }, at) => {
      got.set(labels.key, { at, labels, values: [...values, ...histograms] });
    });
  } else if (data.type !== 'string') {
    data.series.forEach(({ labels, kinds, values, histograms }, at) => {
      const list = Array.from(kinds, (kind, i) =>
        kind === FLOAT ? (values[i] as number) : kind === HISTOGRAM ? histograms?.[i] : undefined,
      );
      if (got.has(labels.key)) problems.push(`twice: ${JSON.stringify(labels.toRecord())}`);
      got.set(labels.key, { at, labels, values: list });
    });
  }
  const ordered = command.expectations.some((e) => e.kind === 'ordered');
  command.series.forEach(({ labels, values }, position) => {
    const one = got.get(labels.key);
    const name = JSON.stringify(labels.toRecord());
    if (one === undefined) {
      if (values.some((v) => v !== undefined)) problems.push(`missing ${name}`);
      return;
    }
    got.delete(labels.key);
    if (ordered && one.at !== position) problems.push(`${name} at position ${one.at}, want ${position}`);
    for (let i = 0; i < Math.max(values.length, one.values.length); i++) {
      if (!sameValue(values[i], one.values[i] as number | Histogram | undefined)) {
        problems.push(`${name}[${i}]: want ${show(values[i])}, got ${show(one.values[i])}`);
      }
    }
  });
  for (const { labels, values } of got.values()) {
    problems.push(`unexpected ${JSON.stringify(labels.toRecord())} ${values.map(show)}`);
  }
  return problems;
}
