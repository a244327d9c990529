/** Targets, their metadata and the scrape pools, as Prometheus's targets page and its clients read them. */

import type { ScrapePool } from '../../collector/scrape/pool.ts';
import type { TargetLoop } from '../../collector/scrape/target-loop.ts';
import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import type { Labels } from '../../model/labels.ts';
import { parseMetricSelector } from '../../query/promql/index.ts';
import { matcherTest } from '../../query/syntax/regex.ts';
import { success } from './answer.ts';
import { labelsJson } from './json.ts';
import { invalidParam } from './params.ts';

export interface TargetsDeps {
  readonly pools: () => readonly ScrapePool[];
  /** Host (and port) under which this server is known; stands for localhost in global URLs. */
  readonly externalHost: string;
}

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

export function targetRoutes(deps: TargetsDeps): Route[] {
  const get = (path: string, handler: (request: HttpRequest) => HttpResponse): Route => ({
    methods: ['GET'],
    path,
    handler,
  });
  return [
    get('/api/v1/targets', (request) => targets(deps, request)),
    get('/api/v1/targets/metadata', (request) => metadata(deps, request)),
    get('/api/v1/scrape_pools', () => {
      const scrapePools = deps
        .pools()
        .map(({ config }) => config.jobName)
        .sort();
      return success(JSON.stringify({ scrapePools }));
    }),
  ];
}

function targets(deps: TargetsDeps, { query }: HttpRequest): HttpResponse {
  const state = (query.get('state') ?? '').toLowerCase();
  const wanted = query.get('scrapePool') ?? '';
  const shows = (kind: string) => state === '' || state === 'any' || state === kind;
  const pools = deps
    .pools()
    .filter(({ config }) => wanted === '' || config.jobName === wanted)
    .sort((a, b) => (a.config.jobName < b.config.jobName ? -1 : 1));
  const active = shows('active')
    ? pools.flatMap((pool) =>
        pool.targets.map((loop) => targetJson(loop, pool.config.jobName, deps.externalHost)),
      )
    : [];
  const dropped = shows('dropped')
    ? pools.flatMap((pool) =>
        pool.dropped.map(
          (labels) =>
            `{"discoveredLabels":${labelsJson(labels)},"scrapePool":${JSON.stringify(pool.config.jobName)}}`,
        ),
      )
    : [];
  const counts = Object.fromEntries(pools.map((pool) => [pool.config.jobName, pool.droppedCount]));
  return success(
    `{"activeTargets":[${active.join(',')}],"droppedTargets":[${dropped.join(',')}],"droppedTargetCounts":${JSON.stringify(counts)}}`,
  );
}

function targetJson(loop: TargetLoop, pool: string, externalHost: string): string {
  const { identity } = loop;
  const rest = JSON.stringify({
    scrapePool: pool,
    scrapeUrl: identity.url,
    globalUrl: globalUrl(identity.url, externalHost),
    lastError: loop.lastError,
    lastScrape: loop.lastScrapeMs === 0 ? '0001-01-01T00:00:00Z' : new Date(loop.lastScrapeMs).toISOString(),
    lastScrapeDuration: loop.lastDurationS,
    health: loop.health,
    scrapeInterval: identity.interval,
    scrapeTimeout: identity.timeout,
  });
  return `{"discoveredLabels":${labelsJson(identity.discovered)},"labels":${labelsJson(identity.publicLabels)},${rest.slice(1)}`;
}

/** The URL as somebody on another host can use it. */
function globalUrl(url: string, externalHost: string): string {
  const parts = /^(\w+:\/\/)(\[[^\]]*\]|[^:/?]*)(:\d+)?(.*)$/s.exec(url);
  if (parts === null || !LOCAL_HOSTS.has(parts[2] as string)) return url;
  return `${parts[1]}${externalHost}${parts[3] ?? ''}${parts[4]}`;
}

function metadata(deps: TargetsDeps, { query }: HttpRequest): HttpResponse {
  const selector = query.get('match_target') ?? '';
  const metric = query.get('metric') ?? '';
  const limitText = query.get('limit') ?? '';
  if (limitText !== '' && !/^-?\d+$/.test(limitText)) throw new InputError('limit must be a number');
  const limit = limitText === '' ? Number.POSITIVE_INFINITY : Number(limitText);
  const matches = targetFilter(selector);
  const found: string[] = [];
  for (const pool of deps.pools()) {
    for (const { identity, memory } of pool.targets) {
      if (!matches(identity.publicLabels)) continue;
      for (const { family, type, help, unit } of memory.families()) {
        if (limit >= 0 && found.length >= limit) break;
        if (metric !== '' && metric !== family) continue;
        const entry = JSON.stringify({ ...(metric === '' ? { metric: family } : {}), type, help, unit });
        found.push(`{"target":${labelsJson(identity.publicLabels)},${entry.slice(1)}`);
      }
    }
  }
  return success(`[${found.join(',')}]`);
}

function targetFilter(selector: string): (labels: Labels) => boolean {
  if (selector === '') return () => true;
  try {
    const tests = parseMetricSelector(selector).map((matcher) => ({
      name: matcher.name,
      test: matcherTest(matcher),
    }));
    return (labels) => tests.every(({ name, test }) => test(labels.get(name)));
  } catch (error) {
    if (error instanceof InputError) throw invalidParam('match_target', error.message);
    throw error;
  }
}
