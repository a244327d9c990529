/** `remote_write`, `remote_read` and the Alertmanagers of `alerting`. */

import type { YamlObject, YamlValue } from '../yaml.ts';
import { readDiscovery } from './discovery.ts';
import {
  bytes,
  choice,
  duration,
  flag,
  labelMap,
  type ReadContext,
  stringMap,
  text,
  url,
  whole,
} from './fields.ts';
import { readHttpClient } from './http-client.ts';
import { readRelabelConfigs } from './relabel.ts';
import {
  type AlertingConfig,
  type AlertmanagerClientConfig,
  type RemoteReadConfig,
  type RemoteWriteConfig,
  WRITE_MESSAGES,
} from './types.ts';

const UNCHANGEABLE_HEADERS = new Set([
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
]);

/** Authentication by cloud providers' own schemes, which is not there. */
function refuseCloudAuth(object: YamlObject): void {
  for (const name of ['sigv4', 'azuread', 'google_iam']) {
    object
      .get(name)
      ?.error(`${name} is not supported by this version`, 'use basic_auth, authorization or oauth2');
  }
}

function readHeaders(value: YamlValue | undefined): Record<string, string> {
  const headers = stringMap(value);
  for (const name of Object.keys(headers)) {
    if (name.toLowerCase() === 'authorization') {
      value?.error(
        'authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter',
      );
    } else if (UNCHANGEABLE_HEADERS.has(name.toLowerCase())) {
      value?.error(`${name} is a reserved header. It must not be changed`);
    }
  }
  return headers;
}

/** A list of sections; empty ones are reported. Names given twice as well. */
function readSections<T extends { readonly name: string }>(
  value: YamlValue | undefined,
  what: string,
  read: (object: YamlObject) => T,
): T[] {
  const names = new Set<string>();
  return (value?.list() ?? []).flatMap((item) => {
    if (item.isNull) {
      item.error(`empty or null ${what} config section`);
      return [];
    }
    const object = item.object();
    const config = read(object);
    object.done();
    if (config.name !== '' && names.has(config.name)) {
      object.error(`found multiple ${what} configs with job name ${JSON.stringify(config.name)}`);
    }
    names.add(config.name);
    return [config];
  });
}

function readUrl(object: YamlObject, what: string): string {
  const value = object.get('url');
  if (value === undefined) object.error(`url for ${what} is empty`);
  return url(value) ?? '';
}

export function readRemoteWrite(value: YamlValue | undefined, context: ReadContext): RemoteWriteConfig[] {
  return readSections(value, 'remote write', (object) => {
    refuseCloudAuth(object);
    const queue = object.get('queue_config')?.object();
    const metadata = object.get('metadata_config')?.object();
    const config: RemoteWriteConfig = {
      url: readUrl(object, 'remote_write'),
      name: text(object.get('name')),
      timeoutMs: duration(object.get('remote_timeout'), 30_000),
      headers: readHeaders(object.get('headers')),
      writeRelabel: readRelabelConfigs(object.get('write_relabel_configs')),
      message: choice(
        object.get('protobuf_message'),
        WRITE_MESSAGES,
        'prometheus.WriteRequest',
        'remote write protobuf message',
      ),
      sendExemplars: flag(object.get('send_exemplars'), false),
      sendNativeHistograms: flag(object.get('send_native_histograms'), false),
      roundRobinDns: flag(object.get('round_robin_dns'), false),
      queue: {
        capacity: whole(queue?.get('capacity'), 10_000),
        maxShards: whole(queue?.get('max_shards'), 50),
        minShards: whole(queue?.get('min_shards'), 1),
        maxSamplesPerSend: whole(queue?.get('max_samples_per_send'), 2_000),
        batchSendDeadlineMs: duration(queue?.get('batch_send_deadline'), 5_000),
        minBackoffMs: duration(queue?.get('min_backoff'), 30),
        maxBackoffMs: duration(queue?.get('max_backoff'), 5_000),
        retryOnHttp429: flag(queue?.get('retry_on_http_429'), false),
        sampleAgeLimitMs: duration(queue?.get('sample_age_limit'), 0),
      },
      metadata: {
        send: flag(metadata?.get('send'), true),
        sendIntervalMs: duration(metadata?.get('send_interval'), 60_000),
        maxSamplesPerSend: whole(metadata?.get('max_samples_per_send'), 2_000),
      },
      http: readHttpClient(object, context),
    };
    if (config.queue.minShards > config.queue.maxShards) {
      object.error('min_shards of queue_config is larger than max_shards');
    }
    queue?.done();
    metadata?.done();
    return config;
  });
}

export function readRemoteRead(value: YamlValue | undefined, context: ReadContext): RemoteReadConfig[] {
  return readSections(value, 'remote read', (object) => ({
    url: readUrl(object, 'remote_read'),
    name: text(object.get('name')),
    timeoutMs: duration(object.get('remote_timeout'), 60_000),
    headers: readHeaders(object.get('headers')),
    readRecent: flag(object.get('read_recent'), false),
    requiredMatchers: labelMap(object.get('required_matchers')),
    filterExternalLabels: flag(object.get('filter_external_labels'), true),
    chunkedReadLimitBytes: bytes(object.get('chunked_read_limit'), 52_428_800),
    http: readHttpClient(object, context),
  }));
}

export function readAlerting(value: YamlValue | undefined, context: ReadContext): AlertingConfig {
  const object = value?.object();
  const alertmanagers = (object?.get('alertmanagers')?.list() ?? []).flatMap((item) => {
    if (item.isNull) {
      item.error('empty or null alertmanager config section');
      return [];
    }
    return [readAlertmanager(item.object(), context)];
  });
  const alertRelabel = readRelabelConfigs(object?.get('alert_relabel_configs'));
  object?.done();
  return { alertRelabel, alertmanagers };
}

function readAlertmanager(object: YamlObject, context: ReadContext): AlertmanagerClientConfig {
  refuseCloudAuth(object);
  const version = object.get('api_version');
  if (version !== undefined && version.string() !== 'v2') {
    version.error(
      `expected Alertmanager api version to be one of [v2] but got ${version.string() ?? ''}`,
      'v1 was removed in Alertmanager 0.27',
    );
  }
  const relabel = readRelabelConfigs(object.get('relabel_configs'));
  const config: AlertmanagerClientConfig = {
    scheme: text(object.get('scheme'), 'http'),
    pathPrefix: text(object.get('path_prefix'), '/'),
    timeoutMs: duration(object.get('timeout'), 10_000),
    http: readHttpClient(object, context),
    discovery: readDiscovery(object, context, relabel.length === 0),
    relabel,
    alertRelabel: readRelabelConfigs(object.get('alert_relabel_configs')),
  };
  object.done();
  return config;
}
