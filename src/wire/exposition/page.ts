/** Opens an exposition page of any format, with classic histograms made native where that is wanted. */

import type { LabelPool } from '../label-pool.ts';
import type { ExpositionFormat } from './content-type.ts';
import { type NhcbSeries, NhcbSink } from './nhcb.ts';
import { openProtobuf } from './protobuf.ts';
import { ExpositionMemory, type ExpositionSink, type PageReader } from './sink.ts';
import { openText } from './text.ts';

export interface ExpositionOptions {
  /** Classic series of native histograms, and of those that are made native, are kept as well. */
  readonly classicHistograms: boolean;
  readonly convertClassicHistograms: boolean;
}

/** Reads the pages of one target, one after the other. */
export class ExpositionReader<S> {
  readonly #sink: ExpositionSink<S>;
  readonly #options: ExpositionOptions;
  readonly #memory: ExpositionMemory<S>;
  readonly #converted: ExpositionMemory<NhcbSeries<S>>;
  readonly #groups = new Map<string, unknown>();

  constructor(sink: ExpositionSink<S>, options: ExpositionOptions, pool: LabelPool) {
    this.#sink = sink;
    this.#options = options;
    this.#memory = new ExpositionMemory(pool);
    this.#converted = new ExpositionMemory(pool);
  }

  /** The page's entries go to the sink as its steps are taken. */
  open(page: Uint8Array, format: ExpositionFormat): PageReader {
    if (!this.#options.convertClassicHistograms)
      return open(page, format, this.#memory, this.#sink, this.#options);
    const sink = new NhcbSink(this.#sink, this.#options.classicHistograms, this.#groups);
    const reader = open(page, format, this.#converted, sink, this.#options);
    return {
      step(maxEntries) {
        const done = reader.step(maxEntries);
        if (done) sink.flush();
        return done;
      },
    };
  }
}

function open<S>(
  page: Uint8Array,
  format: ExpositionFormat,
  memory: ExpositionMemory<S>,
  sink: ExpositionSink<S>,
  options: ExpositionOptions,
): PageReader {
  if (format === 'protobuf') return openProtobuf(page, memory, sink, options);
  return openText(page, format === 'openmetrics', memory, sink);
}
