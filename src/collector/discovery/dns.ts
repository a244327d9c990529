/** dns_sd: targets from SRV, A, AAAA, MX and NS records. */

import type { TargetGroup } from '../scrape/target.ts';
import type { DnsDiscoveryConfig } from './config.ts';
import { type DnsResolver, joinHostPort, refreshEvery, type StartDiscovery } from './mechanism.ts';

export const startDnsDiscovery: StartDiscovery<DnsDiscoveryConfig> = (config, deps, emit) => {
  const known = new Map<string, TargetGroup>();
  return refreshEvery('dns', config.refreshMs, deps, async () => {
    const failures: unknown[] = [];
    for (const name of config.names) {
      deps.metrics.add('prometheus_sd_dns_lookups_total', 1);
      try {
        known.set(name, { source: name, labels: {}, targets: await lookUp(name, config, deps.dns) });
      } catch (error) {
        // The name is there but has no such records: that is an answer.
        if ((error as NodeJS.ErrnoException).code === 'ENODATA') {
          known.set(name, { source: name, labels: {}, targets: [] });
          continue;
        }
        deps.metrics.add('prometheus_sd_dns_lookup_failures_total', 1);
        failures.push(error);
      }
    }
    emit([...known.values()]);
    if (failures.length > 0) throw failures[0];
  });
};

async function lookUp(
  name: string,
  { type, port }: DnsDiscoveryConfig,
  dns: DnsResolver,
): Promise<Record<string, string>[]> {
  const target = (host: string, targetPort: number, labels: Record<string, string> = {}) => ({
    __address__: joinHostPort(host.replace(/\.$/, ''), targetPort),
    __meta_dns_name: name,
    __meta_dns_srv_record_target: '',
    __meta_dns_srv_record_port: '',
    __meta_dns_mx_record_target: '',
    __meta_dns_ns_record_target: '',
    ...labels,
  });
  const dotted = (host: string) => (host.endsWith('.') ? host : `${host}.`);
  switch (type) {
    case 'SRV':
      return (await dns.srv(name)).map((record) =>
        target(record.name, record.port, {
          __meta_dns_srv_record_target: dotted(record.name),
          __meta_dns_srv_record_port: String(record.port),
        }),
      );
    case 'MX':
      return (await dns.mx(name)).map((host) =>
        target(host, port, { __meta_dns_mx_record_target: dotted(host) }),
      );
    case 'NS':
      return (await dns.ns(name)).map((host) =>
        target(host, port, { __meta_dns_ns_record_target: dotted(host) }),
      );
    case 'A':
      return (await dns.a(name)).map((address) => target(address, port));
    case 'AAAA':
      return (await dns.aaaa(name)).map((address) => target(address, port));
  }
}
