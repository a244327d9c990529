/** The info() function: adds the labels of info series (target_info) to the series that they identify. */

import { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { matcherTest } from '../syntax/regex.ts';
import { EvaluationError } from '../vector/evaluation-error.ts';
import { HISTOGRAM, NONE, newSeries, SeriesCollector, type StepSeries } from '../vector/series.ts';

/** The labels by which an info series names the target that it tells about. */
const IDENTIFYING: ReadonlySet<string> = new Set(['instance', 'job']);

export interface InfoOptions {
  /** Which series are info series themselves, and are left as they are. */
  readonly nameMatchers: readonly Matcher[];
  /** Which labels are wanted (all, when empty), and what they must be. */
  readonly dataMatchers: readonly Matcher[];
}

/**
 * `infoTimes` are the sample times of `info`, series by series: where several info series identify the same target,
 * the newest sample counts.
 */
export function addInfo(
  base: readonly StepSeries[],
  info: readonly StepSeries[],
  infoTimes: readonly StepSeries[],
  options: InfoOptions,
): StepSeries[] {
  const isInfo = options.nameMatchers.map(matcherTest);
  const wanted = new Set(options.dataMatchers.map((matcher) => matcher.name));
  const mayBeMissing = options.dataMatchers.every((matcher) => matcherTest(matcher)(''));
  // By target, then by metric name.
  const targets = new Map<string, Map<string, { series: StepSeries; times: StepSeries }[]>>();
  info.forEach((series, i) => {
    if (series.kinds.includes(HISTOGRAM)) {
      throw new EvaluationError(
        `this should be an info metric, with float samples: ${series.labels.get('__name__')}`,
      );
    }
    const target = series.labels.keep(IDENTIFYING).key;
    const name = series.labels.get('__name__');
    let byName = targets.get(target);
    if (byName === undefined) targets.set(target, (byName = new Map()));
    const entry = { series, times: infoTimes[i] as StepSeries };
    const list = byName.get(name);
    if (list === undefined) byName.set(name, [entry]);
    else list.push(entry);
  });
  const out = new SeriesCollector();
  for (const series of base) {
    if (isInfo.length > 0 && isInfo.some((matches) => matches(series.labels.get('__name__')))) {
      out.add({ ...series, dropName: false });
      continue;
    }
    const byName = targets.get(series.labels.keep(IDENTIFYING).key);
    for (const part of enriched(series, byName, wanted, mayBeMissing)) out.add(part);
  }
  return out.result();
}

/** The series split by the labels that it gets at each point. */
function enriched(
  series: StepSeries,
  byName: Map<string, { series: StepSeries; times: StepSeries }[]> | undefined,
  wanted: ReadonlySet<string>,
  mayBeMissing: boolean,
): StepSeries[] {
  const parts = new Map<string, StepSeries>();
  for (let i = 0; i < series.kinds.length; i++) {
    if (series.kinds[i] === NONE) continue;
    const extra = new Map<string, string>();
    for (const [name, entries] of byName ?? []) {
      const labels = newestLabels(name, entries, i);
      if (labels === undefined) continue;
      for (const [label, value] of labels.entries()) {
        if (label === '__name__' || (wanted.size > 0 && !wanted.has(label))) continue;
        const other = extra.get(label);
        if (other !== undefined && other !== value) throw new EvaluationError(`conflicting label: ${label}`);
        if (!series.labels.has(label)) extra.set(label, value);
      }
    }
    if (extra.size === 0 && !mayBeMissing) continue;
    const labels =
      extra.size === 0 ? series.labels : Labels.fromPairs([...series.labels.entries(), ...extra.entries()]);
    let part = parts.get(labels.key);
    if (part === undefined) {
      part = newSeries(labels, series.kinds.length, series.histograms !== undefined);
      parts.set(labels.key, part);
    }
    part.kinds[i] = series.kinds[i] as number;
    part.values[i] = series.values[i] as number;
    if (series.histograms !== undefined && part.histograms) part.histograms[i] = series.histograms[i];
  }
  return [...parts.values()];
}

function newestLabels(
  name: string,
  entries: readonly { series: StepSeries; times: StepSeries }[],
  point: number,
): Labels | undefined {
  let newest: Labels | undefined;
  let newestTime = Number.NEGATIVE_INFINITY;
  for (const { series, times } of entries) {
    if (series.kinds[point] === NONE) continue;
    const time = times.values[point] as number;
    if (newest !== undefined && time === newestTime) {
      throw new EvaluationError(`found duplicate series for info metric ${name}`);
    }
    if (time > newestTime) {
      newest = series.labels;
      newestTime = time;
    }
  }
  return newest;
}
