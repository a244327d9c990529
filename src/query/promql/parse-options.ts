/** Which optional parts of the language are understood. */

export interface ParseOptions {
  /** Functions and aggregations that Prometheus has behind `promql-experimental-functions`. */
  readonly experimentalFunctions?: boolean;
  /** Arithmetic in ranges and offsets, behind `promql-duration-expr` in Prometheus. */
  readonly durationExpressions?: boolean;
}
