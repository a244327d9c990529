/** What receivers count of themselves. The names are those of the OpenTelemetry Collector's own metrics. */

export type ReceivedSignal = 'spans' | 'metric_points' | 'log_records';

/**
 * Behind it stand `otelcol_receiver_accepted_<signal>_total` and `otelcol_receiver_refused_<signal>_total` with the
 * labels `receiver` and `transport`.
 */
export interface ReceiverMetrics {
  /** Items that are stored. */
  accepted(signal: ReceivedSignal, receiver: string, transport: string, items: number): void;
  /** Items that were refused, by their own fault or because storage did not take them. */
  refused(signal: ReceivedSignal, receiver: string, transport: string, items: number, reason: string): void;
  /** Requests that could not be read at all. */
  malformed(receiver: string, transport: string, reason: string): void;
}

/** For callers that do not count. */
export const NO_RECEIVER_METRICS: ReceiverMetrics = { accepted() {}, refused() {}, malformed() {} };
