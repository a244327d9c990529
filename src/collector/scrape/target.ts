/** From discovered labels to a target: defaults, relabelling, address, URL, and the identity that targets are told apart by. */

import { Labels } from '../../model/labels.ts';
import { hashed, hashText } from '../../model/series-id.ts';
import { formatDuration, parseDuration } from '../../query/syntax/durations.ts';
import { quote } from '../../query/syntax/strings.ts';
import type { ScrapeConfig } from './config.ts';

/** A group of targets with common labels, as discovery finds it; `source` names it among its mechanism's groups. */
export interface TargetGroup {
  readonly source: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly targets: readonly Readonly<Record<string, string>>[];
}

export interface TargetIdentity {
  /** Before relabelling. */
  readonly discovered: Labels;
  /** After relabelling, names that begin with __ included. */
  readonly labels: Labels;
  /** What the target's series carry. */
  readonly publicLabels: Labels;
  readonly url: string;
  readonly interval: string;
  readonly timeout: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Equal for equal targets. */
  readonly key: string;
}

export type Resolved =
  | { readonly kind: 'target'; readonly target: TargetIdentity }
  | { readonly kind: 'dropped'; readonly discovered: Labels }
  | { readonly kind: 'invalid'; readonly discovered: Labels; readonly error: string };

/** Applies a job to one discovered label set. */
export function resolveTarget(
  config: ScrapeConfig,
  relabel: (labels: Labels) => Labels | undefined,
  group: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Resolved {
  const all: Record<string, string> = { ...group, ...own };
  const byDefault: Record<string, string> = {
    job: config.jobName,
    __scrape_interval__: formatDuration(config.intervalMs),
    __scrape_timeout__: formatDuration(config.timeoutMs),
    __metrics_path__: config.metricsPath,
    __scheme__: config.scheme,
  };
  for (const [name, values] of Object.entries(config.params)) {
    if (values.length > 0) byDefault[`__param_${name}`] = values[0] as string;
  }
  for (const [name, value] of Object.entries(byDefault)) {
    if ((all[name] ?? '') === '') all[name] = value;
  }
  const discovered = Labels.from(all);
  const relabelled = relabel(discovered);
  if (relabelled === undefined) return { kind: 'dropped', discovered };
  const address = relabelled.get('__address__');
  const invalid = (error: string): Resolved => ({ kind: 'invalid', discovered, error });
  if (address === '') return invalid('no address');
  if (address.includes('/')) return invalid(`${quote(address)} is not a valid hostname`);
  const interval = relabelled.get('__scrape_interval__');
  const timeout = relabelled.get('__scrape_timeout__');
  const intervalMs = parseDuration(interval);
  if ('error' in intervalMs) return invalid(`error parsing scrape interval: ${intervalMs.error}`);
  if (intervalMs.ms === 0) return invalid('scrape interval cannot be 0');
  const timeoutMs = parseDuration(timeout);
  if ('error' in timeoutMs) return invalid(`error parsing scrape timeout: ${timeoutMs.error}`);
  if (timeoutMs.ms === 0) return invalid('scrape timeout cannot be 0');
  if (timeoutMs.ms > intervalMs.ms) {
    return invalid(
      `scrape timeout cannot be greater than scrape interval (${quote(timeout)} > ${quote(interval)})`,
    );
  }
  const kept = [...relabelled.entries()].filter(([name]) => !name.startsWith('__meta_'));
  if (relabelled.get('instance') === '') kept.push(['instance', address]);
  const labels = Labels.fromPairs(kept);
  const url = targetUrl(config, labels);
  return {
    kind: 'target',
    target: {
      discovered,
      labels,
      publicLabels: Labels.fromPairs([...labels.entries()].filter(([name]) => !name.startsWith('__'))),
      url,
      interval,
      timeout,
      intervalMs: intervalMs.ms,
      timeoutMs: timeoutMs.ms,
      key: `${labels.key}${url}`,
    },
  };
}

function targetUrl(config: ScrapeConfig, labels: Labels): string {
  const params = new Map(Object.entries(config.params).map(([name, values]) => [name, [...values]]));
  for (const [label, value] of labels.entries()) {
    if (!label.startsWith('__param_')) continue;
    const name = label.slice('__param_'.length);
    const values = params.get(name);
    if (values !== undefined && values.length > 0) values[0] = value;
    else params.set(name, [value]);
  }
  const query = [...params.keys()]
    .sort()
    .flatMap((name) =>
      (params.get(name) as string[]).map((value) => `${queryEscape(name)}=${queryEscape(value)}`),
    )
    .join('&');
  let path = labels.get('__metrics_path__');
  if (path !== '' && !path.startsWith('/')) path = `/${path}`;
  const base = `${labels.get('__scheme__')}://${labels.get('__address__')}${pathEscape(path)}`;
  return query === '' ? base : `${base}?${query}`;
}

/** As Go's url.QueryEscape: blanks become plus signs. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/%20/g, '+')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** As Go escapes a path that was given unescaped. */
function pathEscape(path: string): string {
  return encodeURI(path).replace(/[?#[\]!'()*]/g, (c) =>
    /[?#[\]]/.test(c) ? `%${c.charCodeAt(0).toString(16).toUpperCase()}` : c,
  );
}

/** Where in its interval a target is scraped: spread over all targets, and the same after a restart. */
export function scrapeOffsetMs(key: string, intervalMs: number): number {
  hashText(key);
  return (hashed.low + (hashed.high % 0x200000) * 0x100000000) % intervalMs;
}
