/** consul_sd: services of a Consul catalogue, watched by blocking queries. */

import { readSecret } from '../../http/client/client.ts';
import type { TargetGroup } from '../scrape/target.ts';
import type { ConsulDiscoveryConfig } from './config.ts';
import { joinHostPort, labelPart, type StartDiscovery } from './mechanism.ts';

/** How long Consul holds a query that has nothing new. */
const WAIT_MS = 120_000;
const RETRY_MS = 15_000;
const MAX_BYTES = 64 * 2 ** 20;

interface Entry {
  readonly Node: {
    readonly Node: string;
    readonly Address: string;
    readonly Datacenter: string;
    readonly Partition?: string;
    readonly Meta?: Readonly<Record<string, string>> | null;
    readonly TaggedAddresses?: Readonly<Record<string, string>> | null;
  };
  readonly Service: {
    readonly ID: string;
    readonly Service: string;
    readonly Address: string;
    readonly Port: number;
    readonly Namespace?: string;
    readonly Tags?: readonly string[] | null;
    readonly Meta?: Readonly<Record<string, string>> | null;
    readonly TaggedAddresses?: Readonly<
      Record<string, { readonly Address: string; readonly Port: number }>
    > | null;
  };
  readonly Checks: readonly { readonly Status: string }[];
}

export const startConsulDiscovery: StartDiscovery<ConsulDiscoveryConfig> = (config, deps, emit) => {
  const client = deps.http(config.http);
  const aborter = new AbortController();
  const { signal } = aborter;
  const base = `${config.scheme}://${config.server}${config.pathPrefix}`;
  const groups = new Map<string, TargetGroup>();
  const watches = new Map<string, AbortController>();

  /** One query; resolves with the body and the index to wait for next. */
  const query = async (path: string, index: string, extra: Record<string, string[]>, stop: AbortSignal) => {
    const params = new URLSearchParams({ wait: `${WAIT_MS}ms` });
    if (index !== '') params.set('index', index);
    if (config.allowStale) params.set('stale', '');
    if (config.datacenter !== '') params.set('dc', config.datacenter);
    if (config.namespace !== '') params.set('ns', config.namespace);
    if (config.partition !== '') params.set('partition', config.partition);
    for (const [name, value] of Object.entries(config.nodeMeta))
      params.append('node-meta', `${name}:${value}`);
    for (const [name, values] of Object.entries(extra))
      for (const value of values) params.append(name, value);
    const response = await client.request({
      url: `${base}${path}?${params}`,
      headers: config.token === '' ? {} : { 'x-consul-token': readSecret({ value: config.token }) },
      signal: AbortSignal.any([stop, AbortSignal.timeout(WAIT_MS * 1.2)]),
    });
    const text = Buffer.from(await response.bytes(MAX_BYTES)).toString();
    if (response.status !== 200)
      throw new Error(`consul answered ${response.statusLine}: ${text.slice(0, 200)}`);
    return { body: JSON.parse(text) as unknown, index: String(response.headers['x-consul-index'] ?? '') };
  };

  const pause = (ms: number, stop: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = deps.clock.after(ms, resolve);
      stop.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });

  const follow = async (
    path: string,
    extra: Record<string, string[]>,
    stop: AbortSignal,
    take: (body: unknown) => void,
  ) => {
    let index = '';
    while (!stop.aborted) {
      try {
        const answer = await query(path, index, extra, stop);
        if (stop.aborted) return;
        if (answer.index === index && index !== '') continue;
        // An index that goes back means that Consul began anew.
        index = Number(answer.index) < Number(index) ? '' : answer.index;
        take(answer.body);
        if (index === '') await pause(config.refreshMs, stop);
      } catch (error) {
        if (stop.aborted) return;
        deps.metrics.add('prometheus_sd_refresh_failures_total', 1, { mechanism: 'consul' });
        deps.warn('consul could not be asked', { server: config.server, error });
        await pause(RETRY_MS, stop);
      }
    }
  };

  const watchService = (name: string) => {
    const own = new AbortController();
    watches.set(name, own);
    const extra: Record<string, string[]> = { tag: [...config.tags] };
    void follow(
      `/v1/health/service/${encodeURIComponent(name)}`,
      extra,
      AbortSignal.any([signal, own.signal]),
      (body) => {
        const targets = (body as Entry[]).map((entry) => consulTarget(config, entry));
        groups.set(name, { source: name, labels: { __meta_consul_service: name }, targets });
        emit([...groups.values()]);
      },
    );
  };

  const isWanted = (name: string, tags: readonly string[]) =>
    (config.services.length === 0 || config.services.includes(name)) &&
    config.tags.every((tag) => tags.includes(tag));

  if (config.services.length > 0 && config.tags.length === 0) config.services.forEach(watchService);
  else {
    const filter: Record<string, string[]> = config.filter === '' ? {} : { filter: [config.filter] };
    void follow('/v1/catalog/services', filter, signal, (body) => {
      const services = Object.entries(body as Record<string, string[]>).filter(([name, tags]) =>
        isWanted(name, tags),
      );
      const names = new Set(services.map(([name]) => name));
      for (const [name, watch] of watches) {
        if (names.has(name)) continue;
        watch.abort();
        watches.delete(name);
        groups.delete(name);
      }
      emit([...groups.values()]);
      for (const name of names) if (!watches.has(name)) watchService(name);
    });
  }
  return {
    close() {
      aborter.abort();
      client.close();
    },
  };
};

/** One instance of a service with the labels that the documentation of consul_sd_config names. */
export function consulTarget(
  { tagSeparator }: Pick<ConsulDiscoveryConfig, 'tagSeparator'>,
  { Node, Service, Checks }: Entry,
): Record<string, string> {
  const tags = Service.Tags ?? [];
  const labels: Record<string, string> = {
    __address__: joinHostPort(Service.Address !== '' ? Service.Address : Node.Address, Service.Port),
    __meta_consul_address: Node.Address,
    __meta_consul_dc: Node.Datacenter,
    __meta_consul_health: health(Checks),
    __meta_consul_namespace: Service.Namespace ?? '',
    __meta_consul_partition: Node.Partition ?? '',
    __meta_consul_node: Node.Node,
    __meta_consul_service_address: Service.Address,
    __meta_consul_service_id: Service.ID,
    __meta_consul_service_port: String(Service.Port),
    __meta_consul_tags: tagSeparator + tags.join(tagSeparator) + tagSeparator,
  };
  for (const [name, value] of Object.entries(Node.Meta ?? {})) {
    labels[`__meta_consul_metadata_${labelPart(name)}`] = value;
  }
  for (const [name, value] of Object.entries(Service.Meta ?? {})) {
    labels[`__meta_consul_service_metadata_${labelPart(name)}`] = value;
  }
  for (const [name, value] of Object.entries(Node.TaggedAddresses ?? {})) {
    labels[`__meta_consul_tagged_address_${labelPart(name)}`] = value;
  }
  for (const [name, { Address, Port }] of Object.entries(Service.TaggedAddresses ?? {})) {
    labels[`__meta_consul_service_tagged_address_${labelPart(name)}`] = joinHostPort(Address, Port);
  }
  return labels;
}

/** The worst of the checks, as Consul aggregates them. */
function health(checks: readonly { readonly Status: string }[]): string {
  for (const status of ['maintenance', 'critical', 'warning']) {
    if (checks.some(({ Status }) => Status === status)) return status;
  }
  return 'passing';
}
