/** `static_configs` and all `*_sd_configs`: read where the mechanism is there, refused by name where it is not. */

import {
  type ConsulDiscoveryConfig,
  type DiscoveryConfig,
  DNS_TYPES,
  type DnsDiscoveryConfig,
  type DockerDiscoveryConfig,
  type FileDiscoveryConfig,
  type HttpDiscoveryConfig,
  KUBERNETES_ROLES,
  type KubernetesDiscoveryConfig,
  type KubernetesRole,
} from '../../collector/discovery/config.ts';
import type { TargetGroup } from '../../collector/scrape/target.ts';
import type { YamlObject, YamlValue } from '../yaml.ts';
import {
  choice,
  duration,
  filePath,
  filePattern,
  flag,
  labelMap,
  type ReadContext,
  stringMap,
  text,
  texts,
  url,
  whole,
} from './fields.ts';
import { readHttpClient } from './http-client.ts';

type Reader = (object: YamlObject, context: ReadContext) => DiscoveryConfig;

const READERS: Readonly<Record<string, Reader>> = {
  file_sd_configs: readFile,
  http_sd_configs: readHttp,
  dns_sd_configs: readDns,
  docker_sd_configs: readDocker,
  kubernetes_sd_configs: readKubernetes,
  consul_sd_configs: readConsul,
};

/** Mechanisms of Prometheus that are not there. */
const MISSING = [
  'azure',
  'digitalocean',
  'dockerswarm',
  'ec2',
  'eureka',
  'gce',
  'hetzner',
  'ionos',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'nerve',
  'nomad',
  'openstack',
  'ovhcloud',
  'puppetdb',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
  'vultr',
];

/** Reads all mechanisms of a job. `checkAddresses`: no relabelling follows that could mend an address. */
export function readDiscovery(
  owner: YamlObject,
  context: ReadContext,
  checkAddresses: boolean,
): DiscoveryConfig[] {
  const configs: DiscoveryConfig[] = [];
  const groups = readStatic(owner.get('static_configs'), checkAddresses);
  if (groups.length > 0) configs.push({ kind: 'static', groups });
  for (const [field, read] of Object.entries(READERS)) {
    for (const item of owner.get(field)?.list() ?? []) {
      if (item.isNull) {
        item.error(`empty or null section in ${field}`);
        continue;
      }
      const object = item.object();
      configs.push(read(object, context));
      object.done();
    }
  }
  for (const name of MISSING) {
    const value = owner.get(`${name}_sd_configs`);
    if (value === undefined) continue;
    for (const item of value.list()) item.object();
    value.error(
      `discovery by ${name} is not supported by this version`,
      'let a script write the targets to a file and use file_sd_configs, or serve them to http_sd_configs',
    );
  }
  return configs;
}

function readStatic(value: YamlValue | undefined, checkAddresses: boolean): TargetGroup[] {
  return (value?.list() ?? []).map((item, index) => {
    if (item.isNull) item.error('empty or null section in static_configs');
    const object = item.object();
    const targets = (object.get('targets')?.list() ?? []).flatMap((target) => {
      const address = target.string();
      if (address === undefined) return [];
      if (checkAddresses && address.includes('/')) {
        target.error(
          `${JSON.stringify(address)} is not a valid hostname`,
          'leave out the scheme and the path',
        );
      }
      return [{ __address__: address }];
    });
    const labels = labelMap(object.get('labels'));
    object.done();
    return { source: String(index), labels, targets };
  });
}

function readFile(object: YamlObject, context: ReadContext): FileDiscoveryConfig {
  const files = object.get('files');
  const patterns = (files?.list() ?? []).flatMap(
    (item) => filePattern(item, context, /\.(json|yml|yaml|JSON|YML|YAML)$/) ?? [],
  );
  if (files === undefined || files.list().length === 0) {
    object.error('file service discovery config must contain at least one path name');
  }
  return { kind: 'file', files: patterns, refreshMs: duration(object.get('refresh_interval'), 300_000) };
}

function readHttp(object: YamlObject, context: ReadContext): HttpDiscoveryConfig {
  const value = object.get('url');
  if (value === undefined) object.error('URL is missing');
  return {
    kind: 'http',
    url: url(value) ?? '',
    refreshMs: duration(object.get('refresh_interval'), 60_000),
    http: readHttpClient(object, context),
  };
}

function readDns(object: YamlObject): DnsDiscoveryConfig {
  const names = texts(object.get('names'));
  const typeValue = object.get('type');
  const word = typeValue?.string()?.toUpperCase() ?? 'SRV';
  const type = DNS_TYPES.find((known) => known === word);
  if (type === undefined) typeValue?.error(`invalid DNS-SD records type ${word}`, DNS_TYPES.join(', '));
  const port = object.get('port');
  if (names.length === 0) object.error('DNS-SD config must contain at least one SRV record name');
  if (port === undefined && ['A', 'AAAA', 'MX', 'NS'].includes(type ?? '')) {
    object.error('a port is required in DNS-SD configs for all record types except SRV');
  }
  return {
    kind: 'dns',
    names,
    type: type ?? 'SRV',
    port: whole(port, 0),
    refreshMs: duration(object.get('refresh_interval'), 30_000),
  };
}

function readDocker(object: YamlObject, context: ReadContext): DockerDiscoveryConfig {
  const host = object.get('host');
  const given = text(host);
  if (given === '') object.error('host missing', 'write for instance unix:///var/run/docker.sock');
  else if (!/^(unix|tcp|https?):\/\//.test(given)) {
    host?.error(`${JSON.stringify(given)} is no address of a Docker daemon`, 'unix://, tcp:// or http(s)://');
  }
  const filters = (object.get('filters')?.list() ?? []).map((item) => {
    const filter = item.object();
    const entry = { name: text(filter.get('name')), values: texts(filter.get('values')) };
    filter.done();
    return entry;
  });
  return {
    kind: 'docker',
    host: given,
    port: whole(object.get('port'), 80),
    hostNetworkingHost: text(object.get('host_networking_host'), 'localhost'),
    matchFirstNetwork: flag(object.get('match_first_network'), true),
    filters,
    refreshMs: duration(object.get('refresh_interval'), 60_000),
    http: readHttpClient(object, context),
  };
}

function readRole(value: YamlValue | undefined): KubernetesRole | undefined {
  const role = value?.string();
  const known = KUBERNETES_ROLES.find((name) => name === role);
  if (value !== undefined && role !== undefined && known === undefined) {
    value.error(
      `unknown Kubernetes SD role ${JSON.stringify(role)}`,
      `known: ${KUBERNETES_ROLES.join(', ')}`,
    );
  }
  return known;
}

function readKubernetes(object: YamlObject, context: ReadContext): KubernetesDiscoveryConfig {
  const roleValue = object.get('role');
  const role = readRole(roleValue);
  if (roleValue === undefined) {
    object.error(`role missing (one of: ${KUBERNETES_ROLES.join(', ')})`);
  }
  const apiServer = url(object.get('api_server'));
  const kubeconfigFile = filePath(object.get('kubeconfig_file'), context);
  if (apiServer !== undefined && kubeconfigFile !== undefined) {
    object.error("cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  }
  const namespaces = object.get('namespaces')?.object();
  const names = texts(namespaces?.get('names'));
  const ownNamespace = flag(namespaces?.get('own_namespace'), false);
  namespaces?.done();
  if (apiServer !== undefined && ownNamespace) {
    object.error("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
  }
  const selectors = (object.get('selectors')?.list() ?? []).flatMap((item) => {
    const selector = item.object();
    const selected = readRole(selector.get('role'));
    const entry = { label: text(selector.get('label')), field: text(selector.get('field')) };
    selector.done();
    return selected === undefined ? [] : [{ role: selected, ...entry }];
  });
  const attach = object.get('attach_metadata')?.object();
  const attachNode = flag(attach?.get('node'), false);
  attach?.done();
  const http = readHttpClient(object, context);
  return {
    kind: 'kubernetes',
    role: role ?? 'pod',
    apiServer,
    kubeconfigFile,
    ownNamespace,
    namespaces: names,
    selectors,
    attachNode,
    http,
  };
}

function readConsul(object: YamlObject, context: ReadContext): ConsulDiscoveryConfig {
  const server = text(object.get('server'), 'localhost:8500');
  const http = readHttpClient(object, context);
  const username = text(object.get('username'));
  const password = text(object.get('password'));
  const withUser =
    username === '' && password === ''
      ? http
      : { ...http, basicAuth: { username: { value: username }, password: { value: password } } };
  const scheme = choice(object.get('scheme'), ['http', 'https'], 'http', 'scheme');
  return {
    kind: 'consul',
    server,
    scheme,
    pathPrefix: text(object.get('path_prefix')),
    token: text(object.get('token')),
    datacenter: text(object.get('datacenter')),
    namespace: text(object.get('namespace')),
    partition: text(object.get('partition')),
    tagSeparator: text(object.get('tag_separator'), ','),
    services: texts(object.get('services')),
    tags: texts(object.get('tags')),
    filter: text(object.get('filter')),
    nodeMeta: stringMap(object.get('node_meta')),
    allowStale: flag(object.get('allow_stale'), true),
    refreshMs: duration(object.get('refresh_interval'), 30_000),
    http: withUser,
  };
}
