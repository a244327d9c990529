/** Discovery mechanisms: what they ask for, and the labels that they find, as Prometheus documents them. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { DiscoveryConfig, KubernetesRole } from '../../src/collector/discovery/config.ts';
import { consulTarget } from '../../src/collector/discovery/consul.ts';
import { dockerTargets } from '../../src/collector/discovery/docker.ts';
import { startDiscovery } from '../../src/collector/discovery/index.ts';
import { readKubeconfig } from '../../src/collector/discovery/kubernetes-access.ts';
import type { DiscoveryDeps } from '../../src/collector/discovery/mechanism.ts';
import { systemDiscovery } from '../../src/collector/discovery/system.ts';
import { systemClock } from '../../src/collector/scrape/clock.ts';
import { NO_SCRAPE_METRICS } from '../../src/collector/scrape/metrics.ts';
import type { TargetGroup } from '../../src/collector/scrape/target.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/http/client/config.ts';

const servers: http.Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs a mechanism until what it found satisfies the test. */
async function discover(
  config: DiscoveryConfig,
  enough: (groups: readonly TargetGroup[]) => boolean,
  deps: Partial<DiscoveryDeps> = {},
): Promise<readonly TargetGroup[]> {
  const clock = systemClock();
  const warnings: string[] = [];
  return await new Promise((resolve, reject) => {
    const discovery = startDiscovery(
      config,
      {
        ...systemDiscovery({ now: clock.now, env: {} }),
        clock,
        metrics: NO_SCRAPE_METRICS,
        userAgent: 'test',
        warn: (message, fields) => void warnings.push(`${message} ${fields.error}`),
        ...deps,
      },
      (groups) => {
        if (!enough(groups)) return;
        // Not before it is known what there is to close.
        queueMicrotask(() => {
          clearTimeout(timeout);
          discovery.close();
          resolve(groups);
        });
      },
    );
    const timeout = setTimeout(() => {
      discovery.close();
      reject(new Error(`nothing found: ${warnings.join('; ')}`));
    }, 8_000);
  });
}

const addresses = (groups: readonly TargetGroup[]) =>
  groups.flatMap(({ targets }) => targets.map(({ __address__ }) => __address__)).sort();

test('http_sd: groups from JSON, with the URL as label', async () => {
  let asked: http.IncomingHttpHeaders = {};
  const url = await serve((request, response) => {
    asked = request.headers;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end('[{"targets": ["a:1", "b:2"], "labels": {"env": "prod"}}, {"targets": []}]');
  });
  const groups = await discover(
    { kind: 'http', url, refreshMs: 60_000, http: DEFAULT_HTTP_CLIENT },
    () => true,
  );
  assert.deepEqual(addresses(groups), ['a:1', 'b:2']);
  assert.deepEqual(groups[0]?.labels, { __meta_url: url, env: 'prod' });
  assert.equal(asked['x-prometheus-refresh-interval-seconds'], '60');
});

test('dns_sd: SRV and A records', async () => {
  const dns: DiscoveryDeps['dns'] = {
    srv: async () => [{ name: 'h1.example.test', port: 9100 }],
    a: async () => ['10.0.0.1', '10.0.0.2'],
    aaaa: async () => ['fd00::1'],
    mx: async () => ['mail.example.test'],
    ns: async () => [],
  };
  const run = async (type: 'SRV' | 'A' | 'AAAA' | 'MX') =>
    (await discover({ kind: 'dns', names: ['n'], type, port: 80, refreshMs: 60_000 }, () => true, { dns }))[0]
      ?.targets;
  assert.deepEqual((await run('SRV'))?.[0], {
    __address__: 'h1.example.test:9100',
    __meta_dns_name: 'n',
    __meta_dns_srv_record_target: 'h1.example.test.',
    __meta_dns_srv_record_port: '9100',
    __meta_dns_mx_record_target: '',
    __meta_dns_ns_record_target: '',
  });
  assert.deepEqual(
    (await run('A'))?.map(({ __address__ }) => __address__),
    ['10.0.0.1:80', '10.0.0.2:80'],
  );
  assert.equal((await run('AAAA'))?.[0]?.__address__, '[fd00::1]:80');
  assert.equal((await run('MX'))?.[0]?.__meta_dns_mx_record_target, 'mail.example.test.');
});

test('docker_sd: a target per network and port; the host network; names keep their slash', () => {
  const networks = [
    { Id: 'n1', Name: 'bridge', Scope: 'local', Internal: false, Ingress: false, Labels: { a: 'b' } },
  ];
  const settings = { Networks: { bridge: { NetworkID: 'n1', IPAddress: '172.17.0.2' } } };
  const targets = dockerTargets(
    { port: 80, hostNetworkingHost: 'localhost', matchFirstNetwork: true },
    [
      {
        Id: 'c1',
        Names: ['/sample-app'],
        Labels: { 'com.docker.compose.service': 'app' },
        HostConfig: { NetworkMode: 'default' },
        Ports: [
          { IP: '0.0.0.0', PrivatePort: 8080, PublicPort: 80, Type: 'tcp' },
          { PrivatePort: 53, Type: 'udp' },
        ],
        NetworkSettings: settings,
      },
      {
        Id: 'c2',
        Names: ['/plain'],
        HostConfig: { NetworkMode: 'default' },
        Ports: [],
        NetworkSettings: settings,
      },
      {
        Id: 'c3',
        Names: ['/host'],
        HostConfig: { NetworkMode: 'host' },
        NetworkSettings: { Networks: { host: { NetworkID: 'h' } } },
      },
    ],
    networks,
  );
  assert.deepEqual(
    targets.map(({ __address__ }) => __address__),
    ['172.17.0.2:8080', '172.17.0.2:80', 'localhost'],
  );
  assert.deepEqual(targets[0], {
    __address__: '172.17.0.2:8080',
    __meta_docker_container_id: 'c1',
    __meta_docker_container_name: '/sample-app',
    __meta_docker_container_network_mode: 'default',
    __meta_docker_container_label_com_docker_compose_service: 'app',
    __meta_docker_network_ip: '172.17.0.2',
    __meta_docker_network_id: 'n1',
    __meta_docker_network_name: 'bridge',
    __meta_docker_network_internal: 'false',
    __meta_docker_network_ingress: 'false',
    __meta_docker_network_scope: 'local',
    __meta_docker_network_label_a: 'b',
    __meta_docker_port_private: '8080',
    __meta_docker_port_public: '80',
    __meta_docker_port_public_ip: '0.0.0.0',
  });
});

test('consul_sd: labels of an instance', () => {
  const target = consulTarget(
    { tagSeparator: ',' },
    {
      Node: { Node: 'n1', Address: '10.0.0.9', Datacenter: 'dc1', Meta: { rack: 'r1' } },
      Service: { ID: 'web-1', Service: 'web', Address: '', Port: 8080, Tags: ['a', 'b'], Meta: { v: '2' } },
      Checks: [{ Status: 'passing' }, { Status: 'warning' }],
    },
  );
  assert.equal(target.__address__, '10.0.0.9:8080');
  assert.equal(target.__meta_consul_tags, ',a,b,');
  assert.equal(target.__meta_consul_health, 'warning');
  assert.equal(target.__meta_consul_metadata_rack, 'r1');
  assert.equal(target.__meta_consul_service_metadata_v, '2');
});

const POD = {
  metadata: {
    name: 'shop-1',
    namespace: 'shop',
    uid: 'u1',
    labels: { 'app.kubernetes.io/name': 'shop' },
    annotations: { 'prometheus.io/scrape': 'true' },
    ownerReferences: [{ kind: 'ReplicaSet', name: 'shop-rs', controller: true }],
  },
  spec: {
    nodeName: 'node-1',
    containers: [
      {
        name: 'app',
        image: 'shop:1',
        ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }, { containerPort: 9090 }],
      },
      { name: 'side' },
    ],
  },
  status: {
    phase: 'Running',
    podIP: '10.2.0.5',
    hostIP: '10.0.0.1',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'app', containerID: 'docker://x' }],
  },
};
const SERVICE = {
  metadata: { name: 'shop', namespace: 'shop', labels: { team: 'a' } },
  spec: { type: 'ClusterIP', clusterIP: '10.3.0.1', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
};
const OBJECTS: Record<string, unknown[]> = {
  pods: [POD],
  services: [SERVICE],
  nodes: [
    {
      metadata: { name: 'node-1', labels: { zone: 'z' } },
      spec: { providerID: 'p://1' },
      status: {
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      },
    },
  ],
  endpoints: [
    {
      metadata: { name: 'shop', namespace: 'shop' },
      subsets: [
        {
          addresses: [
            {
              ip: '10.2.0.5',
              nodeName: 'node-1',
              targetRef: { kind: 'Pod', name: 'shop-1', namespace: 'shop' },
            },
          ],
          ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        },
      ],
    },
  ],
  endpointslices: [
    {
      metadata: { name: 'shop-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'shop' } },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.2.0.5'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: 'shop-1', namespace: 'shop' },
        },
      ],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ],
  ingresses: [
    {
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: ['shop.example.test'] }],
        rules: [{ host: 'shop.example.test', http: { paths: [{ path: '/a' }, {}] } }],
      },
    },
  ],
};

/** An API server with these objects; watches end when told to, after sending events. */
async function apiServer(
  events: (resource: string, send: (event: unknown) => void) => void = () => {},
): Promise<string> {
  return serve((request, response) => {
    const url = new URL(request.url as string, 'http://x');
    const resource = url.pathname.split('/').at(-1) as string;
    if (url.searchParams.get('watch') !== '1') {
      response.end(JSON.stringify({ metadata: { resourceVersion: '5' }, items: OBJECTS[resource] ?? [] }));
      return;
    }
    response.writeHead(200);
    response.flushHeaders();
    events(resource, (event) => response.write(`${JSON.stringify(event)}\n`));
  });
}

const kubernetes = (role: KubernetesRole, apiServerUrl: string): DiscoveryConfig => ({
  kind: 'kubernetes',
  role,
  apiServer: apiServerUrl,
  kubeconfigFile: undefined,
  ownNamespace: false,
  namespaces: [],
  selectors: [],
  attachNode: false,
  http: DEFAULT_HTTP_CLIENT,
});

for (const [role, want] of [
  ['node', ['10.0.0.1:10250']],
  ['pod', ['10.2.0.5', '10.2.0.5:8080', '10.2.0.5:9090']],
  ['service', ['shop.shop.svc:80']],
  ['endpoints', ['10.2.0.5:8080', '10.2.0.5:9090']],
  ['endpointslice', ['10.2.0.5:8080', '10.2.0.5:9090']],
  ['ingress', ['shop.example.test', 'shop.example.test']],
] as const) {
  test(`kubernetes_sd: role ${role}`, async () => {
    const groups = await discover(kubernetes(role, await apiServer()), (found) =>
      found.some(({ targets }) => targets.length > 0),
    );
    assert.deepEqual(addresses(groups), want);
    const all = {
      ...groups[0]?.labels,
      ...groups[0]?.targets.find(({ __address__ }) => /8080|svc|example|10250/.test(__address__ as string)),
    };
    const has = (expected: Record<string, string>) => {
      for (const [name, value] of Object.entries(expected))
        assert.equal(all[`__meta_kubernetes_${name}`], value, name);
    };
    const pod = {
      pod_name: 'shop-1',
      pod_ready: 'true',
      pod_phase: 'Running',
      pod_label_app_kubernetes_io_name: 'shop',
      pod_labelpresent_app_kubernetes_io_name: 'true',
      pod_annotation_prometheus_io_scrape: 'true',
      pod_controller_kind: 'ReplicaSet',
      pod_container_name: 'app',
      pod_container_id: 'docker://x',
      pod_container_port_name: 'http',
      pod_node_name: 'node-1',
      namespace: 'shop',
    };
    const service = { service_name: 'shop', service_label_team: 'a', namespace: 'shop' };
    has(
      {
        node: {
          node_name: 'node-1',
          node_label_zone: 'z',
          node_provider_id: 'p://1',
          node_address_InternalIP: '10.0.0.1',
        },
        pod: { ...pod, pod_container_image: 'shop:1', pod_container_init: 'false', pod_uid: 'u1' },
        service: {
          ...service,
          service_type: 'ClusterIP',
          service_cluster_ip: '10.3.0.1',
          service_port_name: 'http',
        },
        endpoints: {
          ...pod,
          ...service,
          endpoints_name: 'shop',
          endpoint_ready: 'true',
          endpoint_node_name: 'node-1',
          endpoint_address_target_kind: 'Pod',
        },
        endpointslice: {
          ...pod,
          ...service,
          endpointslice_name: 'shop-x',
          endpointslice_port: '8080',
          endpointslice_endpoint_conditions_ready: 'true',
        },
        ingress: {
          ingress_name: 'web',
          ingress_scheme: 'https',
          ingress_path: '/a',
          ingress_class_name: 'nginx',
          namespace: 'shop',
        },
      }[role],
    );
  });
}

test('kubernetes_sd: changes come by the watch', async () => {
  const url = await apiServer((resource, send) => {
    if (resource !== 'services') return;
    send({
      type: 'ADDED',
      object: { ...SERVICE, metadata: { name: 'new', namespace: 'shop', resourceVersion: '6' } },
    });
    send({
      type: 'DELETED',
      object: { ...SERVICE, metadata: { ...SERVICE.metadata, resourceVersion: '7' } },
    });
  });
  const groups = await discover(
    kubernetes('service', url),
    (found) => addresses(found).join() === 'new.shop.svc:80',
  );
  assert.equal(groups.length, 1);
});

test('kubeconfig: server, certificate and token of the current context', () => {
  const { url, http: config } = readKubeconfig(
    `
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: 'https://k:6443/', certificate-authority: ca.pem}}]
users: [{name: u, user: {token: t}}]`,
    '/home/me/.kube/config',
    DEFAULT_HTTP_CLIENT,
  );
  assert.equal(url, 'https://k:6443');
  assert.deepEqual(config.tls.ca, { file: '/home/me/.kube/ca.pem' });
  assert.deepEqual(config.authorization, { type: 'Bearer', credentials: { value: 't' } });
});
