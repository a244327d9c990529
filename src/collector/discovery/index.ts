/** The discovery mechanisms: one line each. */

import type { TargetGroup } from '../scrape/target.ts';
import type { DiscoveryConfig } from './config.ts';
import { startConsulDiscovery } from './consul.ts';
import { startDnsDiscovery } from './dns.ts';
import { startDockerDiscovery } from './docker.ts';
import { startFileDiscovery } from './file.ts';
import { startHttpDiscovery } from './http.ts';
import { startKubernetesDiscovery } from './kubernetes.ts';
import type { Discovery, DiscoveryDeps, StartDiscovery } from './mechanism.ts';

const STARTERS: {
  readonly [K in DiscoveryConfig['kind']]: StartDiscovery<Extract<DiscoveryConfig, { kind: K }>>;
} = {
  static: (config, _deps, emit) => {
    emit(config.groups);
    return { close() {} };
  },
  file: startFileDiscovery,
  http: startHttpDiscovery,
  dns: startDnsDiscovery,
  docker: startDockerDiscovery,
  kubernetes: startKubernetesDiscovery,
  consul: startConsulDiscovery,
};

/** Starts the mechanism that a configuration names. */
export function startDiscovery(
  config: DiscoveryConfig,
  deps: DiscoveryDeps,
  emit: (groups: readonly TargetGroup[]) => void,
): Discovery {
  return (STARTERS[config.kind] as StartDiscovery<DiscoveryConfig>)(config, deps, emit);
}
