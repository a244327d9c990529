/** index/stats, index/volume, index/volume_range: how much there is of what. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { Matcher } from '../../model/matcher.ts';
import { newStats } from '../../query/logql/context.ts';
import { matcherTest } from '../../query/syntax/regex.ts';
import type { LokiContext } from './context.ts';
import { json, volumeAnswer } from './json.ts';
import {
  type Bounds,
  bad,
  checkPoints,
  parseLimit,
  parseRange,
  parseSelectorParam,
  parseStep,
} from './params.ts';

const MS = 1_000_000n;
const DEFAULT_LIMIT = 100;

export function volumeRoutes(context: LokiContext): Route[] {
  const methods = ['GET', 'POST'];
  return [
    { methods, path: '/loki/api/v1/index/stats', handler: (request) => stats(context, request) },
    { methods, path: '/loki/api/v1/index/volume', handler: (request) => volume(context, request) },
    { methods, path: '/loki/api/v1/index/volume_range', handler: (request) => volumeRange(context, request) },
  ];
}

async function stats(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const bounds = parseRange(params, context.now());
  const matchers = parseSelectorParam(params);
  const list = await context.source.volume(
    { tenant: request.tenant, matcherSets: [matchers], ...bounds },
    request.signal,
  );
  const total = { streams: list.length, chunks: 0, bytes: 0, entries: 0 };
  for (const { chunks, bytes, lines } of list) {
    total.chunks += chunks;
    total.bytes += bytes;
    total.entries += lines;
  }
  return json(total);
}

interface VolumeRequest {
  readonly bounds: Bounds;
  readonly matchers: readonly Matcher[];
  readonly targets: readonly string[];
  readonly byLabel: boolean;
  readonly limit: number;
}

function parseVolume(context: LokiContext, params: URLSearchParams): VolumeRequest {
  const bounds = parseRange(params, context.now());
  const matchers = parseSelectorParam(params);
  const aggregateBy = params.get('aggregateBy') ?? '';
  if (aggregateBy !== '' && aggregateBy !== 'series' && aggregateBy !== 'labels') {
    throw bad(`invalid aggregation option: ${aggregateBy}`);
  }
  const targets = (params.get('targetLabels') ?? '').split(',').filter((name) => name !== '');
  const limit = Math.min(parseLimit(params, DEFAULT_LIMIT), context.limits.maxVolumeSeries);
  return { bounds, matchers, targets, byLabel: aggregateBy === 'labels', limit };
}

/** Bytes by group: by label name, or by the values of the labels that are targets or matched. */
async function volumes(
  context: LokiContext,
  request: HttpRequest,
  what: VolumeRequest,
  range: Bounds,
): Promise<Map<string, { metric: Record<string, string>; bytes: number }>> {
  const { matchers, targets, byLabel } = what;
  // Streams without a target label do not count.
  const present: Matcher[] = targets.map((name) => ({ name, op: '!=', value: '' }));
  const list = await context.source.volume(
    { tenant: request.tenant, matcherSets: [[...matchers, ...present]], ...range },
    request.signal,
  );
  const wanted = targets.length > 0 ? new Set(targets) : new Set(matchers.map((matcher) => matcher.name));
  const isAll = targets.length === 0 && matchers.length === 0;
  const groups = new Map<string, { metric: Record<string, string>; bytes: number }>();
  const add = (metric: Record<string, string>, key: string, bytes: number): void => {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { metric, bytes });
    else group.bytes += bytes;
  };
  for (const { labels, bytes } of list) {
    if (byLabel) {
      for (const name of labels.names) {
        if (targets.length > 0 && !wanted.has(name)) continue;
        add({ [name]: '' }, name, bytes);
      }
    } else {
      const group = isAll ? labels : labels.keep(wanted);
      add(group.toRecord(), group.key, bytes);
    }
  }
  return groups;
}

async function volume(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const startedMs = context.now();
  const what = parseVolume(context, await request.form());
  const groups = [...(await volumes(context, request, what, what.bounds)).values()]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, what.limit);
  const endMs = Number(what.bounds.endNs / MS);
  const series = groups.map(({ metric, bytes }) => ({
    metric,
    points: [[endMs, bytes]] as [number, number][],
  }));
  return volumeAnswer('vector', series, newStats(), context.now() - startedMs);
}

/** Points of one group, ascending in time. */
interface VolumeSeries {
  readonly metric: Record<string, string>;
  readonly points: [ms: number, bytes: number][];
  total: number;
}

async function volumeRange(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const startedMs = context.now();
  const params = await request.form();
  const what = parseVolume(context, params);
  const stepNs = parseStep(params, what.bounds);
  checkPoints(what.bounds, stepNs, context.limits.maxPoints);
  const found =
    (await bucketedVolumes(context, request, what, stepNs)) ??
    (await volumesOneByOne(context, request, what, stepNs));
  const series = [...found].sort((a, b) => b.total - a.total).slice(0, what.limit);
  const kind = series.some(({ points }) => points.length > 1) ? 'matrix' : 'vector';
  return volumeAnswer(kind, series, newStats(), context.now() - startedMs);
}

/** A bucket is shown at its last millisecond, so that it does not meet the next one; the last one at the end. */
function bucketTime(bounds: Bounds, stepNs: bigint, index: number): number {
  const to = bounds.startNs + BigInt(index + 1) * stepNs;
  return to >= bounds.endNs ? Number(bounds.endNs / MS) : Number(to / MS) - 1;
}

/** All buckets at once, where groups are made by labels that every stream has. */
async function bucketedVolumes(
  context: LokiContext,
  request: HttpRequest,
  what: VolumeRequest,
  stepNs: bigint,
): Promise<VolumeSeries[] | undefined> {
  const { bounds, matchers, targets, byLabel } = what;
  const { source } = context;
  if (byLabel || source.buckets === undefined || bounds.endNs <= bounds.startNs) return undefined;
  const names = targets.length > 0 ? targets : matchers.map((matcher) => matcher.name);
  const present: Matcher[] = names.map((name) => ({ name, op: '!=', value: '' }));
  // A stream without one of the labels counts by the others, which the groups of buckets do not do.
  if (names.length === 0) return undefined;
  if (targets.length === 0 && matchers.some((matcher) => matcherTest(matcher)(''))) return undefined;
  const points = Number((bounds.endNs - bounds.startNs + stepNs - 1n) / stepNs);
  const groups = await source.buckets(
    {
      select: {
        tenant: request.tenant,
        matchers: [...matchers, ...present],
        ...bounds,
        direction: 'forward',
        hints: {},
        needLines: false,
      },
      // Buckets are closed on the left, windows on the right: a nanosecond lies between.
      gridStartNs: bounds.startNs + stepNs - 1n,
      stepNs,
      points,
      windowNs: stepNs,
      measure: 'bytes',
      by: names,
    },
    request.signal,
  );
  return groups?.map(({ labels, values, present: has }) => {
    const series: VolumeSeries = { metric: labels.toRecord(), points: [], total: 0 };
    for (let i = 0; i < points; i++) {
      if (has[i] === 0) continue;
      series.points.push([bucketTime(bounds, stepNs, i), values[i] as number]);
      series.total += values[i] as number;
    }
    return series;
  });
}

/** Buckets that are asked for one after the other. */
const MAX_BUCKETS = 500;

async function volumesOneByOne(
  context: LokiContext,
  request: HttpRequest,
  what: VolumeRequest,
  stepNs: bigint,
): Promise<Iterable<VolumeSeries>> {
  const { bounds } = what;
  if ((bounds.endNs - bounds.startNs) / stepNs > MAX_BUCKETS) {
    throw bad(`more than ${MAX_BUCKETS} points: give targetLabels, or a longer step`);
  }
  const found = new Map<string, VolumeSeries>();
  let index = 0;
  for (let from = bounds.startNs; from < bounds.endNs; from += stepNs, index++) {
    let to = from + stepNs;
    if (to > bounds.endNs) to = bounds.endNs;
    const groups = await volumes(context, request, what, { startNs: from, endNs: to });
    for (const [key, { metric, bytes }] of groups) {
      const one = found.get(key) ?? { metric, points: [], total: 0 };
      one.points.push([bucketTime(bounds, stepNs, index), bytes]);
      one.total += bytes;
      found.set(key, one);
    }
  }
  return found.values();
}
