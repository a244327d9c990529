/**
 * What an operation has to tell about the data although it succeeded. The query language gives the words and the
 * position and decides whether it is a warning or an info.
 */

export type VectorNote =
  /** Histogram samples were passed over by an aggregation that takes floats only. */
  | { readonly kind: 'histogram-ignored'; readonly operation: string }
  /** A group had floats and histograms, and gives no result. */
  | { readonly kind: 'mixed-floats-histograms' }
  /** Histograms with exponential and with custom buckets, or with different custom bounds, were to be combined. */
  | {
      readonly kind: 'incompatible-histograms';
      readonly reason: 'schema' | 'bounds';
      readonly metric: string;
    }
  /** An operator was applied to types it does not combine. */
  | {
      readonly kind: 'incompatible-types';
      readonly left: 'float' | 'histogram';
      readonly operator: string;
      readonly right: 'float' | 'histogram';
    }
  /** The operands of an operator have incompatible bucket layouts. */
  | { readonly kind: 'incompatible-layouts'; readonly operator: string }
  /** A parameter is out of its range. */
  | { readonly kind: 'invalid-quantile'; readonly value: number }
  | { readonly kind: 'invalid-ratio'; readonly value: number; readonly used: number };

export type NoteSink = (note: VectorNote) => void;
