/**
 * Range windows: what a function over a range vector sees at one step, and where it puts its answer. One object is
 * reused for all steps and series of a call.
 */

import type { Histogram } from '../../model/histogram.ts';
import type { Annotations, MetricNote } from './annotations.ts';
import type { Samples } from './samples.ts';

export class Window {
  /** The series; the window holds floats[from..to) and histograms[histogramFrom..histogramTo). */
  samples!: Samples;
  from = 0;
  to = 0;
  histogramFrom = 0;
  histogramTo = 0;
  /** The window is (startMs, endMs]. */
  startMs = 0;
  endMs = 0;
  /** The length of the range in milliseconds. */
  rangeMs = 0;
  /** The evaluation time, which differs from endMs by the offset. */
  timeMs = 0;
  /** The scalar arguments at this step, in the order of the call; the range vector's own place holds NaN. */
  params: number[] = [];

  /** The answer: nothing, a float or a histogram. */
  hasFloat = false;
  value = 0;
  histogram: Histogram | undefined;

  readonly #annotations: Annotations;
  /** Position of each argument in the query. */
  readonly #positions: readonly number[];

  constructor(annotations: Annotations, positions: readonly number[]) {
    this.#annotations = annotations;
    this.#positions = positions;
  }

  get floats(): number {
    return this.to - this.from;
  }

  get histograms(): number {
    return this.histogramTo - this.histogramFrom;
  }

  setFloat(value: number): void {
    this.hasFloat = true;
    this.value = value;
  }

  setHistogram(histogram: Histogram): void {
    this.histogram = histogram;
  }

  /** A note that names this series' metric, at the place of an argument. */
  note(note: MetricNote, argument = 0): void {
    this.#annotations.metric(note, this.samples.labels.get('__name__'), this.#positions[argument] ?? 0);
  }

  invalidQuantile(value: number, argument: number): void {
    this.#annotations.invalidQuantile(value, this.#positions[argument] ?? 0);
  }
}
