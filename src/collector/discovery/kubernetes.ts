/** kubernetes_sd: lists and watches the objects of a role through the API server and turns them into targets. */

import { readFileSync } from 'node:fs';
import type { HttpClientConfig } from '../../http/client/config.ts';
import type { TargetGroup } from '../scrape/target.ts';
import type { KubernetesDiscoveryConfig, KubernetesRole } from './config.ts';
import { type ApiServer, readKubeconfig } from './kubernetes-access.ts';
import { type KubernetesObject, type ObjectKind, type ObjectStore, roleTargets } from './kubernetes-roles.ts';
import { watchObjects } from './kubernetes-watch.ts';
import type { DiscoveryDeps, StartDiscovery } from './mechanism.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Changes within this time are handed over together. */
const SETTLE_MS = 500;

/** What a role has to see, the role's own objects first. */
const KINDS: Readonly<Record<KubernetesRole, readonly ObjectKind[]>> = {
  node: ['nodes'],
  pod: ['pods'],
  service: ['services'],
  endpoints: ['endpoints', 'services', 'pods'],
  endpointslice: ['endpointslices', 'services', 'pods'],
  ingress: ['ingresses'],
};

/** Which role's selectors an object's list is narrowed by. */
const ROLE_OF: Readonly<Record<ObjectKind, KubernetesRole>> = {
  nodes: 'node',
  pods: 'pod',
  services: 'service',
  endpoints: 'endpoints',
  endpointslices: 'endpointslice',
  ingresses: 'ingress',
};

export const startKubernetesDiscovery: StartDiscovery<KubernetesDiscoveryConfig> = (config, deps, emit) => {
  const aborter = new AbortController();
  const server = findServer(config, deps);
  const client = deps.http(server.http);
  const store: ObjectStore = new Map();
  let settle: { cancel(): void } | undefined;
  const pending = new Set<string>();
  const changed = () => {
    // Before all first lists are in, targets would lack half of their labels.
    if (pending.size > 0 || aborter.signal.aborted) return;
    settle ??= deps.clock.after(SETTLE_MS, () => {
      settle = undefined;
      emit(roleTargets(config.role, store, config.attachNode) satisfies TargetGroup[]);
    });
  };
  const kinds = [...KINDS[config.role]];
  if (config.attachNode && !kinds.includes('nodes')) kinds.push('nodes');
  const namespaces = config.ownNamespace
    ? [...config.namespaces, ownNamespace()]
    : config.namespaces.length > 0
      ? config.namespaces
      : [''];
  for (const kind of kinds) {
    const objects = new Map<string, KubernetesObject>();
    store.set(kind, objects);
    const selector = config.selectors.find(({ role }) => role === ROLE_OF[kind]);
    for (const namespace of kind === 'nodes' ? [''] : namespaces) {
      const watchKey = `${kind}/${namespace}`;
      pending.add(watchKey);
      void watchObjects(
        { client, server: server.url, kind, namespace, selector },
        deps,
        aborter.signal,
        objects,
        () => {
          pending.delete(watchKey);
          changed();
        },
      );
    }
  }
  return {
    close() {
      aborter.abort();
      settle?.cancel();
      client.close();
    },
  };
};

function findServer(config: KubernetesDiscoveryConfig, { env }: DiscoveryDeps): ApiServer {
  if (config.apiServer !== undefined) {
    return { url: config.apiServer.replace(/\/$/, ''), http: config.http };
  }
  if (config.kubeconfigFile !== undefined) {
    return readKubeconfig(readFileSync(config.kubeconfigFile, 'utf8'), config.kubeconfigFile, config.http);
  }
  const host = env.KUBERNETES_SERVICE_HOST;
  if (host === undefined) {
    throw new Error(
      'kubernetes_sd_configs without api_server works inside of a cluster only (KUBERNETES_SERVICE_HOST is not set)',
    );
  }
  const http: HttpClientConfig = {
    ...config.http,
    authorization: { type: 'Bearer', credentials: { file: `${SERVICE_ACCOUNT}/token` } },
    tls: { ...config.http.tls, ca: { file: `${SERVICE_ACCOUNT}/ca.crt` } },
  };
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return { url: `https://${bracketed}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`, http };
}

function ownNamespace(): string {
  return readFileSync(`${SERVICE_ACCOUNT}/namespace`, 'utf8').trim();
}
