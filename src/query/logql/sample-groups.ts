/** From a line's labels to the series that its sample belongs to. */

import { Labels } from '../../model/labels.ts';
import type { GroupingExpr } from './ast.ts';
import { PipelineError } from './errors.ts';
import { ERROR_LABEL, type LineLabels, PRESERVE_ERROR_LABEL } from './line-labels.ts';

/** How samples are put together: everything into one, by labels, or by all labels but some. */
export interface SampleGrouping {
  readonly kind: 'none' | 'by' | 'without';
  readonly labels: readonly string[];
}

/**
 * The grouping that a range aggregation works with: its own, or that of the sum around it; the label of an unwrap goes
 * where labels are kept as they are.
 */
export function sampleGrouping(
  grouping: GroupingExpr | undefined,
  unwrap: string | undefined,
): SampleGrouping {
  if (grouping !== undefined && !grouping.without) {
    return grouping.labels.length === 0
      ? { kind: 'none', labels: [] }
      : { kind: 'by', labels: grouping.labels };
  }
  const gone = [...(grouping?.labels ?? []), ...(unwrap === undefined ? [] : [unwrap])];
  return { kind: 'without', labels: gone };
}

/** Numbers series from 0 on in order of appearance. */
export class SeriesIndex {
  readonly labels: Labels[] = [];
  /** For each series whether its samples are errors that fail the query. */
  readonly isError: boolean[] = [];
  readonly #grouping: SampleGrouping;
  readonly #gone: ReadonlySet<string>;
  readonly #sorted: readonly string[];
  readonly #byKey = new Map<string, number>();

  constructor(grouping: SampleGrouping) {
    this.#grouping = grouping;
    this.#gone = new Set(grouping.labels);
    this.#sorted = [...new Set(grouping.labels)].sort();
  }

  /** The series of a line. */
  of(labels: LineLabels): number {
    // An error keeps all labels, so that it can be told.
    if (labels.hasError) return this.#number(labels.labels());
    switch (this.#grouping.kind) {
      case 'none':
        return this.#numberOf('', () => Labels.EMPTY);
      case 'by': {
        let key = '';
        for (const name of this.#sorted) {
          const value = labels.get(name);
          key += value === undefined ? '\u0001' : `\u0000${value}\u0001`;
        }
        return this.#numberOf(key, () => this.#pick(labels));
      }
      case 'without': {
        const all = labels.labels();
        return this.#number(this.#gone.size === 0 ? all : all.without(this.#gone));
      }
    }
  }

  #pick(labels: LineLabels): Labels {
    const names: string[] = [];
    const values: string[] = [];
    for (const name of this.#sorted) {
      const value = labels.get(name);
      if (value === undefined) continue;
      names.push(name);
      values.push(value);
    }
    return Labels.fromSorted(names, values);
  }

  #number(labels: Labels): number {
    return this.#numberOf(`=${labels.key}`, () => labels);
  }

  #numberOf(key: string, make: () => Labels): number {
    let number = this.#byKey.get(key);
    if (number === undefined) {
      const labels = make();
      number = this.labels.length;
      this.labels.push(labels);
      this.isError.push(labels.get(ERROR_LABEL) !== '' && labels.get(PRESERVE_ERROR_LABEL) !== 'true');
      this.#byKey.set(key, number);
    }
    return number;
  }

  /** Throws PipelineError when the series is an error that fails the query. */
  check(series: number): void {
    if (this.isError[series] === true) throw new PipelineError(this.labels[series] as Labels);
  }
}
