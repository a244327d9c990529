/** What the discovery mechanisms are told (`*_sd_configs` of Prometheus), defaults filled in. Durations in milliseconds. */

import type { HttpClientConfig } from '../../http/client/config.ts';
import type { TargetGroup } from '../scrape/target.ts';

export type DiscoveryConfig =
  | { readonly kind: 'static'; readonly groups: readonly TargetGroup[] }
  | FileDiscoveryConfig
  | HttpDiscoveryConfig
  | DnsDiscoveryConfig
  | DockerDiscoveryConfig
  | KubernetesDiscoveryConfig
  | ConsulDiscoveryConfig;

export interface FileDiscoveryConfig {
  readonly kind: 'file';
  /** Absolute paths; the last segment may have wildcards. */
  readonly files: readonly string[];
  readonly refreshMs: number;
}

export interface HttpDiscoveryConfig {
  readonly kind: 'http';
  readonly url: string;
  readonly refreshMs: number;
  readonly http: HttpClientConfig;
}

export const DNS_TYPES = ['SRV', 'A', 'AAAA', 'MX', 'NS'] as const;

export interface DnsDiscoveryConfig {
  readonly kind: 'dns';
  readonly names: readonly string[];
  readonly type: (typeof DNS_TYPES)[number];
  readonly port: number;
  readonly refreshMs: number;
}

export interface DockerDiscoveryConfig {
  readonly kind: 'docker';
  readonly host: string;
  readonly port: number;
  readonly hostNetworkingHost: string;
  readonly matchFirstNetwork: boolean;
  readonly filters: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly refreshMs: number;
  readonly http: HttpClientConfig;
}

export const KUBERNETES_ROLES = ['node', 'pod', 'service', 'endpoints', 'endpointslice', 'ingress'] as const;
export type KubernetesRole = (typeof KUBERNETES_ROLES)[number];

export interface KubernetesSelector {
  readonly role: KubernetesRole;
  readonly label: string;
  readonly field: string;
}

export interface KubernetesDiscoveryConfig {
  readonly kind: 'kubernetes';
  readonly role: KubernetesRole;
  /** Undefined: that of the cluster which this process runs in. */
  readonly apiServer: string | undefined;
  readonly kubeconfigFile: string | undefined;
  readonly ownNamespace: boolean;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly selectors: readonly KubernetesSelector[];
  readonly attachNode: boolean;
  readonly http: HttpClientConfig;
}

export interface ConsulDiscoveryConfig {
  readonly kind: 'consul';
  readonly server: string;
  readonly scheme: string;
  readonly pathPrefix: string;
  readonly token: string;
  readonly datacenter: string;
  readonly namespace: string;
  readonly partition: string;
  readonly tagSeparator: string;
  /** Empty: all. */
  readonly services: readonly string[];
  readonly tags: readonly string[];
  readonly filter: string;
  readonly nodeMeta: Readonly<Record<string, string>>;
  readonly allowStale: boolean;
  readonly refreshMs: number;
  readonly http: HttpClientConfig;
}
