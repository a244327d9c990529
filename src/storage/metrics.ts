/** What storage tells about itself. Telemetry implements this; storage neither names formats nor keeps the numbers. */

export type StorageCounter =
  | 'trivium_storage_inserts_total'
  | 'trivium_storage_insert_rows_total'
  | 'trivium_storage_insert_bytes_total'
  | 'trivium_storage_insert_retries_total'
  | 'trivium_storage_rejected_pushes_total'
  | 'trivium_storage_overloaded_pushes_total'
  | 'trivium_storage_engine_restarts_total';

export type StorageHistogram =
  /** From the start of an insert to its commit, retries included. */
  | 'trivium_storage_insert_seconds'
  /** How many pushes shared an insert. */
  | 'trivium_storage_insert_pushes';

export type StorageGauge =
  | 'trivium_storage_queue_bytes'
  | 'trivium_storage_queue_limit_bytes'
  | 'trivium_storage_known_series';

/** Help texts, by name. */
export const STORAGE_METRICS: Readonly<Record<StorageCounter | StorageHistogram | StorageGauge, string>> = {
  trivium_storage_inserts_total: 'Inserts by table and result (ok, failed).',
  trivium_storage_insert_rows_total: 'Rows committed, by table.',
  trivium_storage_insert_bytes_total: 'Bytes of committed blocks before compression, by table.',
  trivium_storage_insert_retries_total: 'Repeated attempts after a transient failure, by table.',
  trivium_storage_rejected_pushes_total: 'Pushes set aside because storage refused them for good, by table.',
  trivium_storage_overloaded_pushes_total: 'Pushes refused because a queue was full or storage unavailable.',
  trivium_storage_engine_restarts_total: 'How often the embedded engine had to be started again.',
  trivium_storage_insert_seconds: 'Time from the start of an insert to its commit, by table.',
  trivium_storage_insert_pushes: 'How many pushes shared an insert, by table.',
  trivium_storage_queue_bytes: 'Encoded blocks that wait for their commit.',
  trivium_storage_queue_limit_bytes: 'Limit of trivium_storage_queue_bytes (limit storage.queue-bytes).',
  trivium_storage_known_series: 'Ids of series, streams, resources and scopes remembered as stored.',
};

export interface StorageMetrics {
  add(name: StorageCounter, value: number, labels: Readonly<Record<string, string>>): void;
  observe(name: StorageHistogram, value: number, labels: Readonly<Record<string, string>>): void;
  /** `read` is called whenever the gauge is wanted. */
  gauge(name: StorageGauge, read: () => number): void;
}

/** For callers that want no metrics. */
export const NO_METRICS: StorageMetrics = { add() {}, observe() {}, gauge() {} };
