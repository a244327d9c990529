/** From blocks of rows to series: label sets by id, sample columns, histograms. */

import { LimitError } from '../../model/errors.ts';
import type { CounterResetHint, Histogram } from '../../model/histogram.ts';
import { Labels } from '../../model/labels.ts';
import type { Block, Column, MapColumn } from '../native.ts';
import { ArrayColumn } from '../native.ts';

/** Labels of a map column's row. Equal texts are one string over all rows of a block. */
export function labelsOf(column: MapColumn, row: number): Labels {
  const pairs: [string, string][] = [];
  for (let i = column.start(row); i < column.end(row); i++) {
    pairs.push([column.keys.value(i) as string, column.values.value(i) as string]);
  }
  return Labels.fromPairs(pairs);
}

/** Series by id; ids are the decimal text of the 64-bit number's two halves. */
export class SeriesTable {
  readonly #byId = new Map<number, Map<number, Labels>>();
  size = 0;

  add(low: number, high: number, labels: Labels): void {
    let column = this.#byId.get(high);
    if (column === undefined) {
      column = new Map();
      this.#byId.set(high, column);
    }
    if (!column.has(low)) this.size++;
    column.set(low, labels);
  }

  get(low: number, high: number): Labels | undefined {
    return this.#byId.get(high)?.get(low);
  }

  *entries(): IterableIterator<[bigint, Labels]> {
    for (const [high, column] of this.#byId) {
      for (const [low, labels] of column) yield [(BigInt(high) << 32n) | BigInt(low), labels];
    }
  }
}

/** The text of the error when a query reads more than it may. */
export const TOO_MANY_SAMPLES = 'query processing would load too many samples into memory in query execution';

export function tooManySamples(): LimitError {
  return new LimitError('query.max-samples', TOO_MANY_SAMPLES);
}

/** Samples of one series as they lie in the blocks. */
export interface SampleColumns {
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
}

/** Collects rows (id, ts, value) that come ordered by id and time, and cuts them into series. */
export class SampleRows {
  readonly #runs: { low: number; high: number; parts: SampleColumns[] }[] = [];
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  add(block: Block): void {
    const ids = block.bigints('id').halves();
    const times = block.bigints('ts').numbers();
    const values = block.floats('value');
    const { rows } = block;
    this.#rows += rows;
    let from = 0;
    while (from < rows) {
      const low = ids[2 * from] as number;
      const high = ids[2 * from + 1] as number;
      let to = from + 1;
      while (to < rows && ids[2 * to] === low && ids[2 * to + 1] === high) to++;
      const part = { timestampsMs: times.subarray(from, to), values: values.subarray(from, to) };
      const last = this.#runs[this.#runs.length - 1];
      if (last !== undefined && last.low === low && last.high === high) last.parts.push(part);
      else this.#runs.push({ low, high, parts: [part] });
      from = to;
    }
  }

  *series(): IterableIterator<{ low: number; high: number } & SampleColumns> {
    for (const { low, high, parts } of this.#runs) {
      const joined = parts.length === 1 ? (parts[0] as SampleColumns) : concatenate(parts);
      yield { low, high, ...withoutRepeats(joined) };
    }
  }
}

function concatenate(parts: readonly SampleColumns[]): SampleColumns {
  let length = 0;
  for (const part of parts) length += part.values.length;
  const timestampsMs = new Float64Array(length);
  const values = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    timestampsMs.set(part.timestampsMs, at);
    values.set(part.values, at);
    at += part.values.length;
  }
  return { timestampsMs, values };
}

/** Of samples with equal times (not yet merged in storage) the last stays. */
function withoutRepeats(columns: SampleColumns): SampleColumns {
  const { timestampsMs, values } = columns;
  let repeats = 0;
  for (let i = 1; i < timestampsMs.length; i++) if (timestampsMs[i] === timestampsMs[i - 1]) repeats++;
  if (repeats === 0) return columns;
  const times = new Float64Array(timestampsMs.length - repeats);
  // Bits are copied as they are: the stale marker is a NaN with a payload.
  const source = new BigUint64Array(values.buffer, values.byteOffset, values.length);
  const bits = new BigUint64Array(times.length);
  let at = -1;
  for (let i = 0; i < timestampsMs.length; i++) {
    if (i === 0 || timestampsMs[i] !== timestampsMs[i - 1]) at++;
    times[at] = timestampsMs[i] as number;
    bits[at] = source[i] as bigint;
  }
  return { timestampsMs: times, values: new Float64Array(bits.buffer) };
}

/** What `histogramOf` needs, in the order of the table. */
export const HISTOGRAM_COLUMNS = [
  'id',
  'ts',
  'stale',
  'is_float',
  'counter_reset',
  'schema',
  'count',
  'sum',
  'zero_threshold',
  'zero_count',
  'positive_offsets',
  'positive_lengths',
  'positive_counts',
  'negative_offsets',
  'negative_lengths',
  'negative_counts',
  'custom_values',
] as const;

const HINTS: readonly CounterResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

/** Reads histograms row by row from one block. */
export class HistogramRows {
  readonly #numbers: Readonly<Record<string, ArrayLike<number>>>;
  readonly #arrays: Readonly<Record<string, ArrayColumn>>;
  readonly ids: Uint32Array;
  readonly times: Float64Array;
  readonly rows: number;

  constructor(block: Block) {
    const numbers: Record<string, ArrayLike<number>> = {};
    const arrays: Record<string, ArrayColumn> = {};
    for (const name of HISTOGRAM_COLUMNS.slice(2)) {
      const column: Column = block.column(name);
      if (column instanceof ArrayColumn) arrays[name] = column;
      else numbers[name] = block.numbers(name);
    }
    this.#numbers = numbers;
    this.#arrays = arrays;
    this.ids = block.bigints('id').halves();
    this.times = block.bigints('ts').numbers();
    this.rows = block.rows;
  }

  /** The histogram of a row; null for a stale marker. */
  histogram(row: number): Histogram | null {
    const number = (name: string): number => this.#numbers[name]?.[row] as number;
    if (number('stale') === 1) return null;
    const array = (name: string): number[] => (this.#arrays[name] as ArrayColumn).value(row) as number[];
    const spans = (side: string) => {
      const lengths = array(`${side}_lengths`);
      return array(`${side}_offsets`).map((offset, i) => ({ offset, length: lengths[i] as number }));
    };
    return {
      schema: number('schema'),
      count: number('count'),
      sum: number('sum'),
      zeroThreshold: number('zero_threshold'),
      zeroCount: number('zero_count'),
      positiveSpans: spans('positive'),
      positiveCounts: array('positive_counts'),
      negativeSpans: spans('negative'),
      negativeCounts: array('negative_counts'),
      customValues: array('custom_values'),
      counterReset: HINTS[number('counter_reset')] ?? 'unknown',
      isFloat: number('is_float') === 1,
    };
  }
}
