/**
 * From Kubernetes objects to targets, role by role, with the labels that the documentation of kubernetes_sd_config
 * names. Pure: it sees a store of objects and gives groups.
 */

import type { TargetGroup } from '../scrape/target.ts';
import type { KubernetesRole } from './config.ts';
import { joinHostPort, labelPart } from './mechanism.ts';

export type ObjectKind = 'nodes' | 'pods' | 'services' | 'endpoints' | 'endpointslices' | 'ingresses';

interface ObjectReference {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The parts of objects that are looked at. Everything may be missing: the API leaves empty fields out. */
export interface KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { kind: string; name: string; controller?: boolean }[];
  };
  // biome-ignore lint/suspicious/noExplicitAny: objects of six kinds, read field by field below
  readonly spec?: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly status?: any;
  // biome-ignore lint/suspicious/noExplicitAny: subsets of endpoints
  readonly subsets?: any[] | null;
  // biome-ignore lint/suspicious/noExplicitAny: endpoints of slices
  readonly endpoints?: any[] | null;
  // biome-ignore lint/suspicious/noExplicitAny: ports of slices
  readonly ports?: any[] | null;
  readonly addressType?: string;
}

/** Objects by kind and then by `namespace/name`. */
export type ObjectStore = Map<ObjectKind, Map<string, KubernetesObject>>;

type Labels = Record<string, string>;

/** All groups of a role. `attachNode`: targets also get the labels of the node that they run on. */
export function roleTargets(role: KubernetesRole, store: ObjectStore, attachNode: boolean): TargetGroup[] {
  const all = (kind: ObjectKind) => [...(store.get(kind)?.values() ?? [])];
  switch (role) {
    case 'node':
      return all('nodes').map(nodeGroup);
    case 'pod':
      return all('pods').map((pod) => podGroup(pod, store, attachNode));
    case 'service':
      return all('services').map(serviceGroup);
    case 'endpoints':
      return all('endpoints').map((endpoints) => endpointsGroup(endpoints, store, attachNode));
    case 'endpointslice':
      return all('endpointslices').map((slice) => sliceGroup(slice, store, attachNode));
    case 'ingress':
      return all('ingresses').map(ingressGroup);
  }
}

/** Labels and annotations of an object, and whether they are there. */
function metaLabels(kind: string, { metadata }: KubernetesObject): Labels {
  const labels: Labels = {};
  for (const [what, entries] of [
    ['label', metadata.labels],
    ['annotation', metadata.annotations],
  ] as const) {
    for (const [name, value] of Object.entries(entries ?? {})) {
      labels[`__meta_kubernetes_${kind}_${what}_${labelPart(name)}`] = value;
      labels[`__meta_kubernetes_${kind}_${what}present_${labelPart(name)}`] = 'true';
    }
  }
  return labels;
}

function nodeGroup(node: KubernetesObject): TargetGroup {
  const { name } = node.metadata;
  const addresses: { type: string; address: string }[] = node.status?.addresses ?? [];
  const order = ['InternalIP', 'InternalDNS', 'ExternalIP', 'ExternalDNS', 'LegacyHostIP', 'Hostname'];
  const address = order
    .map((type) => addresses.find((candidate) => candidate.type === type)?.address)
    .find((candidate) => candidate !== undefined);
  const target: Labels = {
    __address__: joinHostPort(address ?? '', node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250),
    instance: name,
  };
  for (const { type, address: value } of addresses) {
    target[`__meta_kubernetes_node_address_${labelPart(type)}`] ??= value;
  }
  const labels = {
    __meta_kubernetes_node_name: name,
    __meta_kubernetes_node_provider_id: String(node.spec?.providerID ?? ''),
    ...metaLabels('node', node),
  };
  return { source: `node/${name}`, labels, targets: address === undefined ? [] : [target] };
}

function podLabels(pod: KubernetesObject): Labels {
  const ready = (pod.status?.conditions ?? []).find(({ type }: { type: string }) => type === 'Ready');
  const labels: Labels = {
    __meta_kubernetes_pod_name: pod.metadata.name,
    __meta_kubernetes_pod_ip: pod.status?.podIP ?? '',
    __meta_kubernetes_pod_ready: String(ready?.status ?? 'unknown').toLowerCase(),
    __meta_kubernetes_pod_phase: pod.status?.phase ?? '',
    __meta_kubernetes_pod_node_name: pod.spec?.nodeName ?? '',
    __meta_kubernetes_pod_host_ip: pod.status?.hostIP ?? '',
    __meta_kubernetes_pod_uid: pod.metadata.uid ?? '',
    ...metaLabels('pod', pod),
  };
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner !== undefined) {
    labels.__meta_kubernetes_pod_controller_kind = owner.kind;
    labels.__meta_kubernetes_pod_controller_name = owner.name;
  }
  return labels;
}

function nodeLabels(name: string | undefined, store: ObjectStore): Labels {
  const node = name === undefined ? undefined : store.get('nodes')?.get(`/${name}`);
  if (node === undefined) return {};
  return { __meta_kubernetes_node_name: node.metadata.name, ...metaLabels('node', node) };
}

interface ContainerTarget {
  readonly container: {
    name: string;
    image?: string;
    ports?: { name?: string; containerPort: number; protocol?: string }[];
  };
  readonly isInit: boolean;
}

function containersOf(pod: KubernetesObject): ContainerTarget[] {
  const wrap = (isInit: boolean) => (container: ContainerTarget['container']) => ({ container, isInit });
  return [
    ...(pod.spec?.containers ?? []).map(wrap(false)),
    ...(pod.spec?.initContainers ?? []).map(wrap(true)),
  ];
}

function containerLabels(pod: KubernetesObject, { container, isInit }: ContainerTarget): Labels {
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ] as { name: string; containerID?: string }[];
  return {
    __meta_kubernetes_pod_container_name: container.name,
    __meta_kubernetes_pod_container_image: container.image ?? '',
    __meta_kubernetes_pod_container_id:
      statuses.find(({ name }) => name === container.name)?.containerID ?? '',
    __meta_kubernetes_pod_container_init: String(isInit),
  };
}

function podGroup(pod: KubernetesObject, store: ObjectStore, attachNode: boolean): TargetGroup {
  const namespace = pod.metadata.namespace ?? '';
  const source = `pod/${namespace}/${pod.metadata.name}`;
  const ip: string = pod.status?.podIP ?? '';
  // Not scheduled yet.
  if (ip === '') return { source, labels: {}, targets: [] };
  const targets = containersOf(pod).flatMap((entry): Labels[] => {
    const labels = containerLabels(pod, entry);
    const ports = entry.container.ports ?? [];
    if (ports.length === 0) return [{ __address__: ip.includes(':') ? `[${ip}]` : ip, ...labels }];
    return ports.map((port) => ({
      ...labels,
      __address__: joinHostPort(ip, port.containerPort),
      __meta_kubernetes_pod_container_port_number: String(port.containerPort),
      __meta_kubernetes_pod_container_port_name: port.name ?? '',
      __meta_kubernetes_pod_container_port_protocol: port.protocol ?? 'TCP',
    }));
  });
  const labels = {
    __meta_kubernetes_namespace: namespace,
    ...podLabels(pod),
    ...(attachNode ? nodeLabels(pod.spec?.nodeName, store) : {}),
  };
  return { source, labels, targets };
}

function serviceLabels(service: KubernetesObject): Labels {
  return {
    __meta_kubernetes_service_name: service.metadata.name,
    ...metaLabels('service', service),
  };
}

function serviceGroup(service: KubernetesObject): TargetGroup {
  const namespace = service.metadata.namespace ?? '';
  const { name } = service.metadata;
  const type: string = service.spec?.type ?? 'ClusterIP';
  const targets = ((service.spec?.ports ?? []) as { name?: string; port: number; protocol?: string }[]).map(
    (port): Labels => ({
      __address__: `${name}.${namespace}.svc:${port.port}`,
      __meta_kubernetes_service_port_name: port.name ?? '',
      __meta_kubernetes_service_port_number: String(port.port),
      __meta_kubernetes_service_port_protocol: port.protocol ?? 'TCP',
      __meta_kubernetes_service_type: type,
      ...(type === 'ExternalName'
        ? { __meta_kubernetes_service_external_name: service.spec?.externalName ?? '' }
        : {
            __meta_kubernetes_service_cluster_ip: service.spec?.clusterIP ?? '',
            ...(type === 'LoadBalancer'
              ? { __meta_kubernetes_service_loadbalancer_ip: service.spec?.loadBalancerIP ?? '' }
              : {}),
          }),
    }),
  );
  const labels = { __meta_kubernetes_namespace: namespace, ...serviceLabels(service) };
  return { source: `svc/${namespace}/${name}`, labels, targets };
}

/** Labels of the pod behind an endpoint, and of the container that listens on the port. */
function endpointPod(
  reference: ObjectReference | undefined,
  port: number | undefined,
  namespace: string,
  store: ObjectStore,
  served: Map<string, Set<number>>,
): Labels {
  if (reference?.kind !== 'Pod') return {};
  const key = `${reference.namespace ?? namespace}/${reference.name}`;
  const pod = store.get('pods')?.get(key);
  if (pod === undefined) return {};
  const ports = served.get(key) ?? new Set();
  served.set(key, ports);
  if (port !== undefined) ports.add(port);
  const labels = podLabels(pod);
  for (const entry of containersOf(pod)) {
    const match = entry.container.ports?.find(({ containerPort }) => containerPort === port);
    if (match === undefined) continue;
    Object.assign(labels, containerLabels(pod, entry), {
      __meta_kubernetes_pod_container_port_number: String(match.containerPort),
      __meta_kubernetes_pod_container_port_name: match.name ?? '',
      __meta_kubernetes_pod_container_port_protocol: match.protocol ?? 'TCP',
    });
    break;
  }
  return labels;
}

/** Container ports of the pods that the endpoints do not name: those are targets, too. */
function remainingPorts(store: ObjectStore, served: Map<string, Set<number>>): Labels[] {
  const targets: Labels[] = [];
  for (const [key, ports] of served) {
    const pod = store.get('pods')?.get(key);
    const ip: string = pod?.status?.podIP ?? '';
    if (pod === undefined || ip === '') continue;
    for (const entry of containersOf(pod)) {
      for (const port of entry.container.ports ?? []) {
        if (ports.has(port.containerPort)) continue;
        targets.push({
          __address__: joinHostPort(ip, port.containerPort),
          ...podLabels(pod),
          ...containerLabels(pod, entry),
          __meta_kubernetes_pod_container_port_number: String(port.containerPort),
          __meta_kubernetes_pod_container_port_name: port.name ?? '',
          __meta_kubernetes_pod_container_port_protocol: port.protocol ?? 'TCP',
        });
      }
    }
  }
  return targets;
}

function endpointsGroup(endpoints: KubernetesObject, store: ObjectStore, attachNode: boolean): TargetGroup {
  const namespace = endpoints.metadata.namespace ?? '';
  const { name } = endpoints.metadata;
  const targets: Labels[] = [];
  const served = new Map<string, Set<number>>();
  for (const subset of endpoints.subsets ?? []) {
    for (const port of subset.ports ?? []) {
      for (const [list, ready] of [
        [subset.addresses, 'true'],
        [subset.notReadyAddresses, 'false'],
      ] as const) {
        for (const address of list ?? []) {
          const target: Labels = {
            __address__: joinHostPort(address.ip, port.port),
            __meta_kubernetes_endpoint_port_name: port.name ?? '',
            __meta_kubernetes_endpoint_port_protocol: port.protocol ?? 'TCP',
            __meta_kubernetes_endpoint_ready: ready,
          };
          if (address.targetRef !== undefined) {
            target.__meta_kubernetes_endpoint_address_target_kind = address.targetRef.kind;
            target.__meta_kubernetes_endpoint_address_target_name = address.targetRef.name;
          }
          if (address.nodeName !== undefined) target.__meta_kubernetes_endpoint_node_name = address.nodeName;
          if (address.hostname !== undefined) target.__meta_kubernetes_endpoint_hostname = address.hostname;
          if (attachNode) Object.assign(target, nodeLabels(address.nodeName, store));
          Object.assign(target, endpointPod(address.targetRef, port.port, namespace, store, served));
          targets.push(target);
        }
      }
    }
  }
  targets.push(...remainingPorts(store, served));
  const service = store.get('services')?.get(`${namespace}/${name}`);
  const labels = {
    __meta_kubernetes_namespace: namespace,
    __meta_kubernetes_endpoints_name: name,
    ...metaLabels('endpoints', endpoints),
    ...(service === undefined ? {} : serviceLabels(service)),
  };
  return { source: `endpoints/${namespace}/${name}`, labels, targets };
}

function sliceGroup(slice: KubernetesObject, store: ObjectStore, attachNode: boolean): TargetGroup {
  const namespace = slice.metadata.namespace ?? '';
  const { name } = slice.metadata;
  const targets: Labels[] = [];
  const served = new Map<string, Set<number>>();
  for (const endpoint of slice.endpoints ?? []) {
    for (const port of slice.ports ?? []) {
      for (const address of endpoint.addresses ?? []) {
        const target: Labels = {
          __address__: port.port === undefined ? address : joinHostPort(address, port.port),
        };
        const optional: [string, unknown][] = [
          ['port_name', port.name],
          ['port_protocol', port.protocol],
          ['port', port.port],
          ['port_app_protocol', port.appProtocol],
          ['endpoint_conditions_ready', endpoint.conditions?.ready],
          ['endpoint_conditions_serving', endpoint.conditions?.serving],
          ['endpoint_conditions_terminating', endpoint.conditions?.terminating],
          ['endpoint_hostname', endpoint.hostname],
          ['endpoint_node_name', endpoint.nodeName],
          ['endpoint_zone', endpoint.zone],
          ['address_target_kind', endpoint.targetRef?.kind],
          ['address_target_name', endpoint.targetRef?.name],
        ];
        for (const [label, value] of optional) {
          if (value !== undefined) target[`__meta_kubernetes_endpointslice_${label}`] = String(value);
        }
        for (const [topology, value] of Object.entries(endpoint.deprecatedTopology ?? {})) {
          target[`__meta_kubernetes_endpointslice_endpoint_topology_${labelPart(topology)}`] = String(value);
          target[`__meta_kubernetes_endpointslice_endpoint_topology_present_${labelPart(topology)}`] = 'true';
        }
        if (attachNode) Object.assign(target, nodeLabels(endpoint.nodeName, store));
        Object.assign(target, endpointPod(endpoint.targetRef, port.port, namespace, store, served));
        targets.push(target);
      }
    }
  }
  targets.push(...remainingPorts(store, served));
  const serviceName = slice.metadata.labels?.['kubernetes.io/service-name'];
  const service =
    serviceName === undefined ? undefined : store.get('services')?.get(`${namespace}/${serviceName}`);
  const labels = {
    __meta_kubernetes_namespace: namespace,
    __meta_kubernetes_endpointslice_name: name,
    __meta_kubernetes_endpointslice_address_type: slice.addressType ?? '',
    ...metaLabels('endpointslice', slice),
    ...(service === undefined ? {} : serviceLabels(service)),
  };
  return { source: `endpointslice/${namespace}/${name}`, labels, targets };
}

function ingressGroup(ingress: KubernetesObject): TargetGroup {
  const namespace = ingress.metadata.namespace ?? '';
  const { name } = ingress.metadata;
  const secured: string[] = (ingress.spec?.tls ?? []).flatMap(
    ({ hosts }: { hosts?: string[] }) => hosts ?? [],
  );
  const isSecured = (host: string) =>
    (ingress.spec?.tls ?? []).length > 0 &&
    (secured.length === 0 ||
      secured.some((pattern) =>
        pattern.startsWith('*.') ? host.slice(host.indexOf('.')) === pattern.slice(1) : pattern === host,
      ));
  const targets = (ingress.spec?.rules ?? []).flatMap(
    (rule: { host?: string; http?: { paths?: { path?: string }[] } }): Labels[] => {
      const host = rule.host ?? '';
      const paths = rule.http?.paths?.map(({ path }) => path || '/') ?? ['/'];
      return paths.map((path) => ({
        __address__: host,
        __meta_kubernetes_ingress_scheme: isSecured(host) ? 'https' : 'http',
        __meta_kubernetes_ingress_host: host,
        __meta_kubernetes_ingress_path: path,
      }));
    },
  );
  const labels: Labels = {
    __meta_kubernetes_namespace: namespace,
    __meta_kubernetes_ingress_name: name,
    ...metaLabels('ingress', ingress),
  };
  const className = ingress.spec?.ingressClassName;
  if (className !== undefined) labels.__meta_kubernetes_ingress_class_name = className;
  return { source: `ingress/${namespace}/${name}`, labels, targets };
}
