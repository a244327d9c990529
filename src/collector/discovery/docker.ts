/** docker_sd: one target per container, network and port. */

import type { DockerDiscoveryConfig } from './config.ts';
import {
  type DiscoveryHttpClient,
  joinHostPort,
  labelPart,
  refreshEvery,
  type StartDiscovery,
} from './mechanism.ts';

const MAX_BYTES = 64 * 2 ** 20;
const TIMEOUT_MS = 30_000;

interface Container {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly HostConfig?: { readonly NetworkMode?: string };
  readonly Ports?: readonly {
    readonly IP?: string;
    readonly PrivatePort: number;
    readonly PublicPort?: number;
    readonly Type: string;
  }[];
  readonly NetworkSettings?: {
    readonly Networks?: Readonly<
      Record<string, { readonly NetworkID: string; readonly IPAddress?: string }>
    > | null;
  };
}

interface Network {
  readonly Id: string;
  readonly Name: string;
  readonly Scope: string;
  readonly Internal: boolean;
  readonly Ingress: boolean;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

export const startDockerDiscovery: StartDiscovery<DockerDiscoveryConfig> = (config, deps, emit) => {
  const isSocket = config.host.startsWith('unix://');
  const base = isSocket ? 'http://docker' : config.host.replace(/^tcp:/, 'http:').replace(/\/$/, '');
  const client = deps.http(config.http, isSocket ? config.host.slice('unix://'.length) : undefined);
  const discovery = refreshEvery('docker', config.refreshMs, deps, async (signal) => {
    const filters = Object.fromEntries(config.filters.map(({ name, values }) => [name, values]));
    const query =
      config.filters.length === 0 ? '' : `?filters=${encodeURIComponent(JSON.stringify(filters))}`;
    const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const containers = await get<Container[]>(client, `${base}/containers/json${query}`, within);
    const networks = await get<Network[]>(client, `${base}/networks`, within);
    emit([{ source: 'Docker', labels: {}, targets: dockerTargets(config, containers, networks) }]);
  });
  return {
    close() {
      discovery.close();
      client.close();
    },
  };
};

async function get<T>(client: DiscoveryHttpClient, url: string, signal: AbortSignal): Promise<T> {
  const response = await client.request({ url, headers: { accept: 'application/json' }, signal });
  const text = Buffer.from(await response.bytes(MAX_BYTES)).toString();
  if (response.status !== 200)
    throw new Error(`docker answered ${response.statusLine}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}

/** Targets of the containers, with the labels that the documentation of docker_sd_config names. */
export function dockerTargets(
  config: Pick<DockerDiscoveryConfig, 'port' | 'hostNetworkingHost' | 'matchFirstNetwork'>,
  containers: readonly Container[],
  networks: readonly Network[],
): Record<string, string>[] {
  const networkLabels = new Map(networks.map((network) => [network.Id, labelsOfNetwork(network)]));
  const byId = new Map(containers.map((container) => [container.Id, container]));
  const targets: Record<string, string>[] = [];
  for (const container of containers) {
    if (container.Names.length === 0) continue;
    const mode = container.HostConfig?.NetworkMode ?? '';
    const common: Record<string, string> = {
      __meta_docker_container_id: container.Id,
      __meta_docker_container_name: container.Names[0] as string,
      __meta_docker_container_network_mode: mode,
    };
    for (const [name, value] of Object.entries(container.Labels ?? {})) {
      common[`__meta_docker_container_label_${labelPart(name)}`] = value;
    }
    // A container may live in the network of another one.
    const host = mode.startsWith('container:') ? byId.get(mode.slice('container:'.length)) : undefined;
    let attached = Object.entries((host ?? container).NetworkSettings?.Networks ?? {});
    if (config.matchFirstNetwork && attached.length > 1) {
      attached = attached.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 1);
    }
    for (const [, network] of attached) {
      const address = network.IPAddress ?? '';
      const labels = {
        ...common,
        __meta_docker_network_ip: address,
        ...(networkLabels.get(network.NetworkID) ?? {}),
      };
      let added = false;
      for (const port of container.Ports ?? []) {
        if (port.Type !== 'tcp') continue;
        const target: Record<string, string> = {
          ...labels,
          __meta_docker_port_private: String(port.PrivatePort),
          __address__: joinHostPort(address, port.PrivatePort),
        };
        if (port.PublicPort !== undefined && port.PublicPort > 0) {
          target.__meta_docker_port_public = String(port.PublicPort);
          target.__meta_docker_port_public_ip = port.IP ?? '';
        }
        targets.push(target);
        added = true;
      }
      if (added) continue;
      const address0 = mode === 'host' ? config.hostNetworkingHost : joinHostPort(address, config.port);
      targets.push({ ...labels, __address__: address0 });
    }
  }
  return targets;
}

function labelsOfNetwork(network: Network): Record<string, string> {
  const labels: Record<string, string> = {
    __meta_docker_network_id: network.Id,
    __meta_docker_network_name: network.Name,
    __meta_docker_network_internal: String(network.Internal),
    __meta_docker_network_ingress: String(network.Ingress),
    __meta_docker_network_scope: network.Scope,
  };
  for (const [name, value] of Object.entries(network.Labels ?? {})) {
    labels[`__meta_docker_network_label_${labelPart(name)}`] = value;
  }
  return labels;
}
