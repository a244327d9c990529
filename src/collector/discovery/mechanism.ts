/** What every discovery mechanism is given and gives, and the loop of those that ask again and again. */

import type { ClientRequest, ClientResponse } from '../../http/client/client.ts';
import type { HttpClientConfig } from '../../http/client/config.ts';
import type { Clock } from '../scrape/clock.ts';
import type { ScrapeMetrics } from '../scrape/metrics.ts';
import type { TargetGroup } from '../scrape/target.ts';

export interface DiscoveryHttpClient {
  request(request: ClientRequest): Promise<ClientResponse>;
  close(): void;
}

export interface DnsResolver {
  srv(name: string): Promise<{ name: string; port: number }[]>;
  a(name: string): Promise<string[]>;
  aaaa(name: string): Promise<string[]>;
  mx(name: string): Promise<string[]>;
  ns(name: string): Promise<string[]>;
}

export interface DiscoveryFiles {
  read(file: string): Promise<string>;
  /** Names in a folder; empty when there is none. */
  list(folder: string): Promise<string[]>;
  /** Calls back when something in the folder changes. */
  watch(folder: string, onChange: () => void): { close(): void };
}

export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly metrics: ScrapeMetrics;
  /** Something failed that is tried again. */
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** `socketPath`: a Unix socket instead of the URL's host. */
  readonly http: (config: HttpClientConfig, socketPath?: string) => DiscoveryHttpClient;
  readonly dns: DnsResolver;
  readonly files: DiscoveryFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
}

/** A mechanism at work. It hands over all of its groups whenever they change. */
export interface Discovery {
  close(): void;
}

export type StartDiscovery<C> = (
  config: C,
  deps: DiscoveryDeps,
  emit: (groups: readonly TargetGroup[]) => void,
) => Discovery;

/** Calls `refresh` at once and then every `refreshMs`, never twice at a time; failures are counted and logged. */
export function refreshEvery(
  mechanism: string,
  refreshMs: number,
  { clock, metrics, warn }: DiscoveryDeps,
  refresh: (signal: AbortSignal) => Promise<void>,
): Discovery {
  const aborter = new AbortController();
  let timer: { cancel(): void } | undefined;
  const turn = () => {
    refresh(aborter.signal)
      .catch((error: unknown) => {
        if (aborter.signal.aborted) return;
        metrics.add('prometheus_sd_refresh_failures_total', 1, { mechanism });
        warn('discovery could not be refreshed', { mechanism, error });
      })
      .then(() => {
        if (!aborter.signal.aborted) timer = clock.after(refreshMs, turn);
      });
  };
  turn();
  return {
    close() {
      aborter.abort();
      timer?.cancel();
    },
  };
}

/** A name as part of a label name: what may not stand there becomes an underscore. */
export function labelPart(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

/** host:port, with brackets round IPv6 addresses. */
export function joinHostPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A page of JSON: [{targets: [...], labels: {...}}], as file_sd and http_sd have it. Throws when it is anything else. */
export function readGroups(
  value: unknown,
  source: string,
  extra: Readonly<Record<string, string>>,
): TargetGroup[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new Error('a list of target groups is wanted');
  return value.map((group: unknown, index) => {
    if (group === null || typeof group !== 'object') throw new Error('nil target group item found');
    const { targets = [], labels = {}, ...rest } = group as Record<string, unknown>;
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) throw new Error(`unknown field ${unknown} in a target group`);
    if (!Array.isArray(targets) || targets.some((target) => typeof target !== 'string')) {
      throw new Error('targets must be a list of strings');
    }
    const named: Record<string, string> = { ...extra };
    for (const [name, text] of Object.entries((labels ?? {}) as Record<string, unknown>)) {
      if (text === null || typeof text === 'object') throw new Error(`label ${name} must be a string`);
      named[name] = String(text);
    }
    return {
      source: `${source}:${index}`,
      labels: named,
      targets: (targets as string[]).map((address) => ({ __address__: address })),
    };
  });
}
