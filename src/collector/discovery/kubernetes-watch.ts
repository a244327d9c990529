/** One list and its watch: keeps a map of objects like the API server's, for as long as it is asked to. */

import type { KubernetesSelector } from './config.ts';
import type { KubernetesObject, ObjectKind } from './kubernetes-roles.ts';
import type { DiscoveryDeps, DiscoveryHttpClient } from './mechanism.ts';

const PAGE_SIZE = 500;
const MAX_PAGE_BYTES = 256 * 2 ** 20;
/** The server is asked to end a watch after this time, and it is begun again. */
const WATCH_SECONDS = 300;
const RETRY_MS = 5_000;
/** One event; larger ones are no Kubernetes objects. */
const MAX_EVENT_BYTES = 16 * 2 ** 20;

const PATHS: Readonly<Record<ObjectKind, { readonly group: string; readonly resource: string }>> = {
  nodes: { group: '/api/v1', resource: 'nodes' },
  pods: { group: '/api/v1', resource: 'pods' },
  services: { group: '/api/v1', resource: 'services' },
  endpoints: { group: '/api/v1', resource: 'endpoints' },
  endpointslices: { group: '/apis/discovery.k8s.io/v1', resource: 'endpointslices' },
  ingresses: { group: '/apis/networking.k8s.io/v1', resource: 'ingresses' },
};

export interface WatchRequest {
  readonly client: DiscoveryHttpClient;
  readonly server: string;
  readonly kind: ObjectKind;
  /** Empty: all. */
  readonly namespace: string;
  readonly selector: KubernetesSelector | undefined;
}

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[] | null;
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubernetesObject & { readonly code?: number; readonly message?: string };
}

/** The watch has fallen so far behind that a new list is needed. */
class ExpiredError extends Error {}

export const objectKey = (object: KubernetesObject) =>
  `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/** Runs until the signal is aborted. `changed` is called after the first list and after every change. */
export async function watchObjects(
  request: WatchRequest,
  deps: DiscoveryDeps,
  signal: AbortSignal,
  objects: Map<string, KubernetesObject>,
  changed: () => void,
): Promise<void> {
  let version = '';
  while (!signal.aborted) {
    try {
      if (version === '') version = await list(request, signal, objects, changed);
      version = await watch(request, signal, version, objects, changed);
    } catch (error) {
      if (signal.aborted) return;
      version = '';
      if (error instanceof ExpiredError) continue;
      deps.metrics.add('prometheus_sd_kubernetes_failures_total', 1);
      deps.warn('kubernetes could not be asked', { server: request.server, kind: request.kind, error });
      await new Promise<void>((resolve) => {
        const timer = deps.clock.after(RETRY_MS, resolve);
        signal.addEventListener('abort', () => {
          timer.cancel();
          resolve();
        });
      });
    }
  }
}

function urlOf({ server, kind, namespace, selector }: WatchRequest, params: Record<string, string>): string {
  const { group, resource } = PATHS[kind];
  const query = new URLSearchParams(params);
  if (selector !== undefined && selector.label !== '') query.set('labelSelector', selector.label);
  if (selector !== undefined && selector.field !== '') query.set('fieldSelector', selector.field);
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${server}${group}${scope}/${resource}?${query}`;
}

async function list(
  request: WatchRequest,
  signal: AbortSignal,
  objects: Map<string, KubernetesObject>,
  changed: () => void,
): Promise<string> {
  const found = new Map<string, KubernetesObject>();
  let more = '';
  let version = '';
  do {
    const url = urlOf(request, { limit: String(PAGE_SIZE), ...(more === '' ? {} : { continue: more }) });
    const response = await request.client.request({ url, headers: { accept: 'application/json' }, signal });
    const text = Buffer.from(await response.bytes(MAX_PAGE_BYTES)).toString();
    if (response.status !== 200) throw new Error(`${response.statusLine}: ${text.slice(0, 200)}`);
    const page = JSON.parse(text) as List;
    for (const object of page.items ?? []) found.set(objectKey(object), object);
    version = page.metadata.resourceVersion;
    more = page.metadata.continue ?? '';
  } while (more !== '');
  // Other namespaces of the same kind share the map.
  for (const [key, object] of objects) {
    if (request.namespace !== '' && object.metadata.namespace !== request.namespace) continue;
    if (!found.has(key)) objects.delete(key);
  }
  for (const [key, object] of found) objects.set(key, object);
  changed();
  return version;
}

/** Follows changes from a version on; gives the version to go on from when the server ends the watch. */
async function watch(
  request: WatchRequest,
  signal: AbortSignal,
  from: string,
  objects: Map<string, KubernetesObject>,
  changed: () => void,
): Promise<string> {
  const url = urlOf(request, {
    watch: '1',
    resourceVersion: from,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(WATCH_SECONDS),
  });
  // A connection that died in silence must not be waited for for ever.
  const within = AbortSignal.any([signal, AbortSignal.timeout((WATCH_SECONDS + 30) * 1000)]);
  const response = await request.client.request({
    url,
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
    signal: within,
  });
  if (response.status === 410) throw new ExpiredError('the version is too old');
  if (response.status !== 200) {
    response.stream.resume();
    throw new Error(`watch answered ${response.statusLine}`);
  }
  let version = from;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of response.stream as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (rest.length > MAX_EVENT_BYTES) throw new Error('an event of the watch is too large');
    let start = 0;
    for (let end = rest.indexOf(10, start); end >= 0; end = rest.indexOf(10, start)) {
      const line = rest.toString('utf8', start, end);
      start = end + 1;
      if (line.trim() !== '') version = take(JSON.parse(line) as WatchEvent, objects, changed);
    }
    rest = rest.subarray(start);
  }
  return version;
}

function take(
  { type, object }: WatchEvent,
  objects: Map<string, KubernetesObject>,
  changed: () => void,
): string {
  if (type === 'ERROR') {
    if (object.code === 410) throw new ExpiredError(object.message ?? 'the version is too old');
    throw new Error(`watch failed: ${object.message ?? JSON.stringify(object)}`);
  }
  if (type === 'DELETED') objects.delete(objectKey(object));
  else if (type !== 'BOOKMARK') objects.set(objectKey(object), object);
  if (type !== 'BOOKMARK') changed();
  return object.metadata.resourceVersion ?? '';
}
