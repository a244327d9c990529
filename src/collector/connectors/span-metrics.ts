/**
 * Rate, errors, duration and size of spans by service, name, kind and status (and by what else is configured), under
 * Tempo's names. A pure state machine: spans and the time go in, series come out of its store.
 */

import { ATTRIBUTE_OTHER, ATTRIBUTE_STRING } from '../../model/attributes.ts';
import type { SpanBatch } from '../../model/batch.ts';
import { SeriesCache } from '../../wire/series-cache.ts';
import { labelName } from './label-name.ts';
import type { GeneratorOptions, SpanMetricsOptions } from './options.ts';
import { type HistogramShape, histogramShape, type SeriesGroup } from './series-group.ts';
import type { GroupMembers, SeriesStore } from './series-store.ts';
import { KIND_NAMES, type SpanFilter, STATUS_NAMES, spanFilter } from './span-filter.ts';
import type { ResourceView, SpanReader, WantedKeys } from './span-reader.ts';

const CALLS = 0;
const SIZE = 1;
const LATENCY = 0;
const INFO = 0;

const INTRINSIC_LABELS = new Set([
  'service',
  'span_name',
  'span_kind',
  'status_code',
  'status_message',
  'job',
  'instance',
]);
const TARGET_LABELS = new Set(['job', 'instance']);
const IDENTITY_KEYS = new Set(['service.name', 'service.namespace', 'service.instance.id']);

/** Series by the bytes that make them up; what is not remembered is found by its labels. */
const KEY_CACHE = { maxEntries: 50_000, maxBytes: 16 << 20 };

/** Where a span's series was found last time. */
interface Place {
  group: SeriesGroup | undefined;
  /** When the limit refused it; it is tried again after the next collection. */
  refusedMs: number;
}

/** What a resource brings to the labels of its spans. */
interface ResourceLabels {
  readonly service: string;
  readonly job: string;
  readonly instance: string;
  info: SeriesGroup | undefined;
  infoRefusedMs: number;
}

export class SpanMetrics {
  readonly #options: SpanMetricsOptions;
  readonly #store: SeriesStore;
  readonly #reader: SpanReader;
  readonly #retryMs: number;
  readonly #filter: SpanFilter | undefined;
  readonly #members: GroupMembers;
  readonly #infoMembers: GroupMembers;
  readonly #serviceSlot: number;
  readonly #namespaceSlot: number;
  readonly #instanceSlot: number;
  readonly #weightSlot: number | undefined;
  readonly #dimensions: readonly { readonly label: string; readonly slot: number }[];
  readonly #mappings: readonly {
    readonly label: string;
    readonly slots: readonly number[];
    readonly join: string;
  }[];
  /** Slots whose values are part of a series' identity. */
  readonly #identity: readonly number[];

  readonly #places = new SeriesCache<Place>(KEY_CACHE);
  readonly #groups = new Map<string, SeriesGroup>();
  readonly #resources = new Map<number, ResourceLabels>();
  #key = new Uint8Array(1024);
  #view = new DataView(this.#key.buffer);
  // The open batch's texts: to ask a column for them makes an object each time.
  #names: Uint8Array = new Uint8Array(0);
  #messages: Uint8Array = this.#names;
  #texts: Uint8Array = this.#names;
  #traces: DataView = this.#view;
  /** Spans that filter policies left out. */
  filtered = 0;

  constructor(
    options: SpanMetricsOptions,
    generator: GeneratorOptions,
    slots: SpanMetricsSlots,
    reader: SpanReader,
    store: SeriesStore,
  ) {
    this.#options = options;
    this.#store = store;
    this.#reader = reader;
    this.#retryMs = generator.intervalMs;
    this.#filter = spanFilter(options.filters);
    const latency: HistogramShape = histogramShape('traces_spanmetrics_latency', options.buckets);
    this.#members = {
      counters: [
        ...(options.calls ? [{ slot: CALLS, name: 'traces_spanmetrics_calls_total' }] : []),
        ...(options.size ? [{ slot: SIZE, name: 'traces_spanmetrics_size_total' }] : []),
      ],
      histograms: options.latency ? [{ slot: LATENCY, shape: latency }] : [],
    };
    this.#infoMembers = {
      counters: [{ slot: INFO, name: 'traces_target_info' }],
      histograms: [],
      gauge: true,
    };
    this.#serviceSlot = slots.service;
    this.#namespaceSlot = slots.namespace;
    this.#instanceSlot = slots.instance;
    this.#weightSlot = slots.weight;
    this.#dimensions = options.dimensions.map((key, i) => ({
      label: labelName(key, INTRINSIC_LABELS),
      slot: slots.dimensions[i] as number,
    }));
    this.#mappings = options.mappings.map(({ name, join }, i) => ({
      label: labelName(name, INTRINSIC_LABELS),
      slots: slots.mappings[i] as readonly number[],
      join,
    }));
    this.#identity = [...new Set([...slots.dimensions, ...slots.mappings.flat()])];
  }

  /** Whether sizes of spans are wanted. */
  get withSize(): boolean {
    return this.#options.size;
  }

  /** Call before the rows of a batch. */
  open(batch: SpanBatch): void {
    this.#names = batch.names.data();
    this.#messages = batch.statusMessages.data();
    this.#texts = batch.attributes.texts.data();
    const traces = batch.traceIds.data();
    this.#traces = new DataView(traces.buffer, traces.byteOffset, traces.byteLength);
    this.#places.tidy();
  }

  /** Counts span `row`, which the reader has just read. */
  count(batch: SpanBatch, row: number, resource: ResourceView, seconds: number, nowMs: number): void {
    if (this.#filter !== undefined && !this.#filter(batch, row)) {
      this.filtered++;
      return;
    }
    const weight = this.#weightSlot === undefined ? 1 : this.#reader.weight(resource, this.#weightSlot);
    const group = this.#group(batch, row, resource, nowMs);
    if (group !== undefined) {
      group.lastMs = nowMs;
      if (this.#options.calls) group.count(CALLS, weight);
      if (this.#options.size) group.count(SIZE, this.#reader.bytes);
      if (this.#options.latency) {
        const traces = this.#traces;
        const at = batch.traceIds.start(row);
        group
          .histogram(LATENCY)
          .observe(
            seconds,
            weight,
            traces.getInt32(at),
            traces.getInt32(at + 4),
            traces.getInt32(at + 8),
            traces.getInt32(at + 12),
            nowMs,
          );
      }
    }
    if (this.#options.targetInfo) this.#touchInfo(resource, nowMs);
  }

  #group(batch: SpanBatch, row: number, resource: ResourceView, nowMs: number): SeriesGroup | undefined {
    const size = this.#writeKey(batch, row, resource);
    let place = this.#places.get(this.#key, this.#view, 0, size);
    if (place === undefined) {
      place = { group: undefined, refusedMs: Number.NEGATIVE_INFINITY };
      this.#places.add(this.#key, 0, size, place);
    }
    if (place.group === undefined || place.group.gone) {
      if (nowMs - place.refusedMs < this.#retryMs) return undefined;
      place.group = this.#find(batch, row, resource, nowMs);
      if (place.group === undefined) place.refusedMs = nowMs;
    }
    return place.group;
  }

  /** Everything that tells series apart, as bytes; gives their number. */
  #writeKey(batch: SpanBatch, row: number, resource: ResourceView): number {
    const { intrinsics } = this.#options;
    const nameStart = batch.names.start(row);
    const nameEnd = batch.names.end(row);
    let need = 16 + nameEnd - nameStart;
    if (intrinsics.statusMessage) need += 4 + batch.statusMessages.end(row) - batch.statusMessages.start(row);
    if (need > this.#key.length) this.#grow(need, 0);
    let to = 0;
    this.#view.setUint32(0, resource.id);
    to = 4;
    this.#key[to++] = intrinsics.spanKind ? batch.kinds.get(row) : 0;
    this.#key[to++] = intrinsics.statusCode ? batch.statusCodes.get(row) : 0;
    if (intrinsics.statusMessage) {
      const start = batch.statusMessages.start(row);
      const end = batch.statusMessages.end(row);
      this.#view.setUint32(to, end - start);
      to = this.#copy(this.#messages, start, end, to + 4);
    }
    for (let i = 0; i < this.#identity.length; i++) {
      const slot = this.#identity[i] as number;
      // What the resource says is in its number.
      if (resource.values[slot] !== undefined) continue;
      const at = this.#reader.at(slot);
      if (at < 0) {
        if (to + 16 > this.#key.length) this.#grow(to + 16, to);
        this.#key[to++] = 0;
        continue;
      }
      const { attributes } = batch;
      const type = attributes.types.get(at);
      // Texts have their row in `slots`.
      const isText = type === ATTRIBUTE_STRING || type === ATTRIBUTE_OTHER;
      const text = attributes.slots.low(at);
      const start = isText ? attributes.texts.start(text) : 0;
      const end = isText ? attributes.texts.end(text) : 0;
      if (to + 32 + end - start > this.#key.length) this.#grow(to + 32 + end - start, to);
      this.#key[to++] = type;
      this.#view.setUint32(to, isText ? end - start : attributes.slots.high(at));
      to += 4;
      if (isText) to = this.#copy(this.#texts, start, end, to);
      else {
        this.#view.setUint32(to, text);
        to += 4;
      }
    }
    if (!intrinsics.spanName) return to;
    if (to + nameEnd - nameStart > this.#key.length) this.#grow(to + nameEnd - nameStart, to);
    return this.#copy(this.#names, nameStart, nameEnd, to);
  }

  #copy(from: Uint8Array, start: number, end: number, to: number): number {
    const key = this.#key;
    for (let i = start; i < end; i++) key[to++] = from[i] as number;
    return to;
  }

  #grow(need: number, keep: number): void {
    const next = new Uint8Array(need * 2);
    next.set(this.#key.subarray(0, keep));
    this.#key = next;
    this.#view = new DataView(next.buffer);
  }

  #find(batch: SpanBatch, row: number, resource: ResourceView, nowMs: number): SeriesGroup | undefined {
    const { intrinsics, targetInfo, instanceLabel } = this.#options;
    const { service, job, instance } = this.#labelsOf(resource);
    const pairs: [string, string][] = [];
    if (intrinsics.service) pairs.push(['service', service]);
    if (intrinsics.spanName) pairs.push(['span_name', batch.names.string(row)]);
    if (intrinsics.spanKind) pairs.push(['span_kind', KIND_NAMES[batch.kinds.get(row)] ?? '']);
    if (intrinsics.statusCode) pairs.push(['status_code', STATUS_NAMES[batch.statusCodes.get(row)] ?? '']);
    if (intrinsics.statusMessage) pairs.push(['status_message', batch.statusMessages.string(row)]);
    for (const { label, slot } of this.#dimensions)
      pairs.push([label, this.#reader.value(resource, slot) ?? '']);
    for (const { label, slots, join } of this.#mappings) {
      const values = slots
        .map((slot) => this.#reader.value(resource, slot) ?? '')
        .filter((value) => value !== '');
      pairs.push([label, values.join(join)]);
    }
    if (targetInfo) {
      pairs.push(['job', job]);
      if (instanceLabel) pairs.push(['instance', instance]);
    }
    return this.#named(pairs, this.#members, nowMs);
  }

  #named(pairs: readonly [string, string][], members: GroupMembers, nowMs: number): SeriesGroup | undefined {
    let key = members === this.#members ? '' : '\u0002';
    for (const [name, value] of pairs) key += `${name}\u0000${value}\u0001`;
    const known = this.#groups.get(key);
    if (known !== undefined && !known.gone) return known;
    const group = this.#store.add(pairs, members, nowMs, () => this.#groups.delete(key));
    if (group !== undefined) this.#groups.set(key, group);
    return group;
  }

  #labelsOf(resource: ResourceView): ResourceLabels {
    let labels = this.#resources.get(resource.id);
    if (labels === undefined) {
      if (this.#resources.size >= 10_000) this.#resources.clear();
      const service = resource.values[this.#serviceSlot] ?? '';
      const namespace = resource.values[this.#namespaceSlot] ?? '';
      labels = {
        service,
        job: service === '' || namespace === '' ? service : `${namespace}/${service}`,
        instance: resource.values[this.#instanceSlot] ?? '',
        info: undefined,
        infoRefusedMs: Number.NEGATIVE_INFINITY,
      };
      this.#resources.set(resource.id, labels);
    }
    return labels;
  }

  /** traces_target_info: the resource's attributes, when it has any beside its identity. */
  #touchInfo(resource: ResourceView, nowMs: number): void {
    const labels = this.#labelsOf(resource);
    if (labels.info === undefined || labels.info.gone) {
      if (nowMs - labels.infoRefusedMs < this.#retryMs) return;
      labels.infoRefusedMs = nowMs;
      const pairs: [string, string][] = [];
      for (const [key, value] of resource.all) {
        if (IDENTITY_KEYS.has(key) || /^[0-9]|^$/.test(key)) continue;
        if (this.#options.targetInfoExcluded.includes(key)) continue;
        pairs.push([labelName(key, TARGET_LABELS), value]);
      }
      const instance = this.#options.instanceLabel ? labels.instance : '';
      if (pairs.length === 0 || (labels.job === '' && instance === '')) return;
      labels.info = this.#named(
        [...pairs, ['job', labels.job], ['instance', instance]],
        this.#infoMembers,
        nowMs,
      );
      labels.info?.set(INFO, 1);
    }
    if (labels.info !== undefined) labels.info.lastMs = nowMs;
  }
}

/** The attributes that span metrics want. */
export interface SpanMetricsSlots {
  readonly service: number;
  readonly namespace: number;
  readonly instance: number;
  readonly weight: number | undefined;
  readonly dimensions: readonly number[];
  readonly mappings: readonly (readonly number[])[];
}

export function spanMetricsSlots(options: SpanMetricsOptions, wanted: WantedKeys): SpanMetricsSlots {
  return {
    service: wanted.slot('service.name'),
    namespace: wanted.slot('service.namespace'),
    instance: wanted.slot('service.instance.id'),
    weight: options.multiplierKey === '' ? undefined : wanted.slot(options.multiplierKey),
    dimensions: options.dimensions.map((key) => wanted.slot(key)),
    mappings: options.mappings.map(({ sourceLabels }) => sourceLabels.map((key) => wanted.slot(key))),
  };
}
