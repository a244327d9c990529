/**
 * Who calls whom, how often, how slow and with how many failures: pairs the client's and the server's span of a call
 * and counts the pair, under Tempo's names. A side that never comes is inferred from what the other one says, or
 * given up. A pure state machine: spans and the time go in, series come out of its store.
 */

import type { SpanBatch } from '../../model/batch.ts';
import { type Edge, EdgeStore } from './edge-store.ts';
import { labelName } from './label-name.ts';
import type { ServiceGraphOptions } from './options.ts';
import { type HistogramShape, histogramShape, type SeriesGroup } from './series-group.ts';
import type { GroupMembers, SeriesStore } from './series-store.ts';
import { type SpanFilter, spanFilter } from './span-filter.ts';
import type { ResourceView, SpanReader, WantedKeys } from './span-reader.ts';

const KIND_SERVER = 2;
const KIND_CLIENT = 3;
const KIND_PRODUCER = 4;
const KIND_CONSUMER = 5;
const STATUS_ERROR = 2;

const TOTAL = 0;
const FAILED = 1;
const SERVER_SECONDS = 0;
const CLIENT_SECONDS = 1;
const MESSAGING_SECONDS = 2;

const FAILED_NAME = 'traces_service_graph_request_failed_total';

/** What happened to spans and edges since the start. */
export interface EdgeCounts {
  /** Edges that were seen. */
  edges: number;
  /** Edges whose other side neither came nor could be inferred: unpaired spans. */
  expired: number;
  /** Spans that found no room to wait. */
  dropped: number;
  /** Spans that filter policies left out. */
  filtered: number;
}

export class ServiceGraph {
  readonly #options: ServiceGraphOptions;
  readonly #store: SeriesStore;
  readonly #reader: SpanReader;
  readonly #slots: ServiceGraphSlots;
  readonly #filter: SpanFilter | undefined;
  readonly #edges: EdgeStore;
  readonly #members: GroupMembers;
  readonly #messaging: HistogramShape;
  readonly #dimensionLabels: readonly string[];
  /** By client, server and the rest. */
  readonly #groups = new Map<string, Map<string, Map<string, SeriesGroup>>>();
  #traces: DataView = new DataView(new ArrayBuffer(0));
  #spans: DataView = this.#traces;
  #parents: DataView = this.#traces;
  #nowMs = 0;
  readonly counts: EdgeCounts = { edges: 0, expired: 0, dropped: 0, filtered: 0 };

  constructor(
    options: ServiceGraphOptions,
    slots: ServiceGraphSlots,
    reader: SpanReader,
    store: SeriesStore,
  ) {
    this.#options = options;
    this.#slots = slots;
    this.#reader = reader;
    this.#store = store;
    this.#filter = spanFilter(options.filters);
    const seconds = (side: string) =>
      histogramShape(`traces_service_graph_request_${side}_seconds`, options.buckets);
    this.#members = {
      counters: [{ slot: TOTAL, name: 'traces_service_graph_request_total' }],
      histograms: [
        { slot: SERVER_SECONDS, shape: seconds('server') },
        { slot: CLIENT_SECONDS, shape: seconds('client') },
      ],
    };
    this.#messaging = seconds('messaging_system');
    const { dimensions, clientServerPrefix } = options;
    this.#dimensionLabels = clientServerPrefix
      ? ['client', 'server'].flatMap((side) => dimensions.map((key) => labelName(`${side}_${key}`)))
      : dimensions.map((key) => labelName(key));
    this.#edges = new EdgeStore(options.waitMs, options.maxWaiting, dimensions.length, (edge) =>
      this.#expire(edge),
    );
  }

  /** Call before the rows of a batch. */
  open(batch: SpanBatch): void {
    this.#traces = viewOf(batch.traceIds.data());
    this.#spans = viewOf(batch.spanIds.data());
    this.#parents = viewOf(batch.parentIds.data());
  }

  /** Edges that wait. */
  get waiting(): number {
    return this.#edges.size;
  }

  /** Counts span `row`, which the reader has just read. */
  count(batch: SpanBatch, row: number, resource: ResourceView, seconds: number, nowMs: number): void {
    const kind = batch.kinds.get(row);
    if (kind < KIND_SERVER || kind > KIND_CONSUMER) return;
    const service = resource.values[this.#slots.service];
    if (service === undefined || service === '') return;
    if (this.#filter !== undefined && !this.#filter(batch, row)) {
      this.counts.filtered++;
      return;
    }
    this.#nowMs = nowMs;
    const isClient = kind === KIND_CLIENT || kind === KIND_PRODUCER;
    const ids = isClient ? this.#spans : this.#parents;
    const column = isClient ? batch.spanIds : batch.parentIds;
    const trace = batch.traceIds.start(row);
    const span = column.start(row);
    const root = column.end(row) === span;
    const traces = this.#traces;
    const edge = this.#edges.get(
      traces.getInt32(trace),
      traces.getInt32(trace + 4),
      traces.getInt32(trace + 8),
      traces.getInt32(trace + 12),
      root ? 0 : ids.getInt32(span),
      root ? 0 : ids.getInt32(span + 4),
      nowMs,
    );
    if (edge === undefined) {
      this.counts.dropped++;
      return;
    }
    if (this.#edges.isNew(edge)) this.counts.edges++;
    edge.connection = kind === KIND_PRODUCER || kind === KIND_CONSUMER ? 'messaging_system' : '';
    edge.failed ||= batch.statusCodes.get(row) === STATUS_ERROR;
    if (this.#slots.weight !== undefined) edge.weight = this.#reader.weight(resource, this.#slots.weight);
    if (this.#slots.dimensions.length > 0) this.#readDimensions(edge, resource, isClient);
    if (isClient) {
      edge.client = service;
      edge.clientSeconds = seconds;
      edge.clientEndLow = batch.endsNs.low(row);
      edge.clientEndHigh = batch.endsNs.high(row);
      this.#readPeer(edge);
      this.#readDatabase(edge, resource, seconds);
    } else {
      edge.server = service;
      edge.serverSeconds = seconds;
      edge.serverStartLow = batch.startsNs.low(row);
      edge.serverStartHigh = batch.startsNs.high(row);
      if (root) {
        edge.root = true;
        this.#readPeer(edge);
      }
    }
    if (edge.client !== '' && edge.server !== '') {
      this.#complete(edge);
      this.#edges.remove(edge);
    }
  }

  /** Gives up waiting for what has been waited for long enough. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#edges.expire(nowMs);
  }

  #readDimensions(edge: Edge, resource: ResourceView, isClient: boolean): void {
    const { dimensions } = this.#slots;
    const from = this.#options.clientServerPrefix && !isClient ? dimensions.length : 0;
    for (let i = 0; i < dimensions.length; i++) {
      const value = this.#reader.value(resource, dimensions[i] as number);
      if (value !== undefined) edge.dimensions[from + i] = value;
    }
  }

  #readPeer(edge: Edge): void {
    const { peers } = this.#slots;
    for (let i = 0; i < peers.length; i++) {
      const peer = this.#reader.spanValue(peers[i] as number);
      if (peer === undefined) continue;
      edge.peer = peer;
      return;
    }
  }

  /** A database sends no spans: the client's span stands for both sides. */
  #readDatabase(edge: Edge, resource: ResourceView, seconds: number): void {
    const slots = this.#slots;
    let name: string | undefined;
    for (let i = 0; i < slots.databases.length && name === undefined; i++) {
      name = this.#reader.value(resource, slots.databases[i] as number);
    }
    if (name === undefined) return;
    edge.connection = 'database';
    edge.serverSeconds = seconds;
    const service =
      this.#reader.value(resource, slots.peerService) ?? this.#reader.value(resource, slots.serverAddress);
    if (service !== undefined) {
      edge.server = service;
      return;
    }
    const host = this.#reader.value(resource, slots.peerAddress);
    if (host === undefined) {
      edge.server = name;
      return;
    }
    const port = this.#reader.value(resource, slots.peerPort);
    edge.server = port === undefined ? host : `${host}:${port}`;
  }

  #expire(edge: Edge): void {
    edge.connection = 'virtual_node';
    if (edge.client === '') {
      if (edge.root) {
        edge.client = edge.peer === '' ? 'user' : edge.peer;
        this.#complete(edge, 'client');
        return;
      }
    } else if (edge.server === '' && edge.peer !== '') {
      edge.server = edge.peer;
      this.#complete(edge, 'server');
      return;
    }
    this.counts.expired++;
  }

  #complete(edge: Edge, virtual: 'client' | 'server' | '' = ''): void {
    const nowMs = this.#nowMs;
    const group = this.#group(edge, this.#options.virtualNodeLabel ? virtual : '');
    if (group === undefined) return;
    const { weight, w0, w1, w2, w3 } = edge;
    group.lastMs = nowMs;
    group.count(TOTAL, weight);
    if (edge.failed && this.#store.ensureCounter(group, FAILED, FAILED_NAME)) group.count(FAILED, weight);
    group.histogram(SERVER_SECONDS).observe(edge.serverSeconds, weight, w0, w1, w2, w3, nowMs);
    group.histogram(CLIENT_SECONDS).observe(edge.clientSeconds, weight, w0, w1, w2, w3, nowMs);
    if (!this.#options.messagingLatency || edge.connection !== 'messaging_system') return;
    const high = edge.serverStartHigh - edge.clientEndHigh;
    const latencyNs = high * 4294967296 + (edge.serverStartLow - edge.clientEndLow);
    if (latencyNs <= 0 || !this.#store.ensureHistogram(group, MESSAGING_SECONDS, this.#messaging)) return;
    group.histogram(MESSAGING_SECONDS).observe(latencyNs / 1e9, weight, w0, w1, w2, w3, nowMs);
  }

  #group(edge: Edge, virtual: string): SeriesGroup | undefined {
    const { client, server } = edge;
    const labels = this.#dimensionLabels;
    let rest: string = edge.connection;
    if (virtual !== '') rest += `\u0002${virtual}`;
    for (let i = 0; i < labels.length; i++) rest += `\u0001${edge.dimensions[i] ?? ''}`;
    let byServer = this.#groups.get(client);
    let byRest = byServer?.get(server);
    const known = byRest?.get(rest);
    if (known !== undefined) return known;
    const pairs: [string, string][] = [
      ...labels.map((label, i): [string, string] => [label, edge.dimensions[i] ?? '']),
      ['virtual_node', virtual],
      ['client', client],
      ['server', server],
      ['connection_type', edge.connection],
    ];
    if (virtual === '') pairs.splice(labels.length, 1);
    const group = this.#store.add(pairs, this.#members, this.#nowMs, () =>
      this.#forget(client, server, rest),
    );
    if (group === undefined) return undefined;
    if (byServer === undefined) this.#groups.set(client, (byServer = new Map()));
    if (byRest === undefined) byServer.set(server, (byRest = new Map()));
    byRest.set(rest, group);
    return group;
  }

  #forget(client: string, server: string, rest: string): void {
    const byServer = this.#groups.get(client);
    const byRest = byServer?.get(server);
    byRest?.delete(rest);
    if (byRest?.size === 0) byServer?.delete(server);
    if (byServer?.size === 0) this.#groups.delete(client);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The attributes that the service graph wants. */
export interface ServiceGraphSlots {
  readonly service: number;
  readonly weight: number | undefined;
  readonly dimensions: readonly number[];
  readonly peers: readonly number[];
  readonly databases: readonly number[];
  readonly peerService: number;
  readonly serverAddress: number;
  readonly peerAddress: number;
  readonly peerPort: number;
}

export function serviceGraphSlots(options: ServiceGraphOptions, wanted: WantedKeys): ServiceGraphSlots {
  return {
    service: wanted.slot('service.name'),
    weight: options.multiplierKey === '' ? undefined : wanted.slot(options.multiplierKey),
    dimensions: options.dimensions.map((key) => wanted.slot(key)),
    peers: options.peerAttributes.map((key) => wanted.slot(key)),
    databases: options.databaseAttributes.map((key) => wanted.slot(key)),
    peerService: wanted.slot('peer.service'),
    serverAddress: wanted.slot('server.address'),
    peerAddress: wanted.slot('network.peer.address'),
    peerPort: wanted.slot('network.peer.port'),
  };
}
