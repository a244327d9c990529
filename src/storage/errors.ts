/** Errors of ClickHouse and of the way to it, and whether trying the same again can help. */

/**
 * Codes that pass by themselves: time-outs, memory pressure, too many parts or queries, read-only or shutting down,
 * lost connections between servers. Numbers are ClickHouse's ErrorCodes.
 */
const TRANSIENT_CODES: ReadonlySet<number> = new Set([
  3, // UNEXPECTED_END_OF_FILE (a connection that broke while we sent)
  159, // TIMEOUT_EXCEEDED
  164, // READONLY (server entering or leaving it)
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED (only when it was not us)
  425, // SYSTEM_ERROR
  439, // CANNOT_SCHEDULE_TASK
  473, // DEADLOCK_AVOIDED
  499, // S3_ERROR
  999, // KEEPER_EXCEPTION
]);

export type StorageErrorKind = 'transient' | 'permanent';

/** A failed statement. `code` is ClickHouse's error code, 0 when no answer came (network, engine down). */
export class StorageError extends Error {
  readonly kind: StorageErrorKind;
  readonly code: number;

  constructor(kind: StorageErrorKind, code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageError';
    this.kind = kind;
    this.code = code;
  }
}

/** From the text of an exception as ClickHouse writes it ("Code: 60. DB::Exception: ..."). */
export function errorFromText(text: string): StorageError {
  const match = /Code: (\d+)\.\s+DB::(?:Net)?Exception: ([\s\S]*)/.exec(text);
  const code = match === null ? 0 : Number(match[1]);
  const message = (match === null ? text : (match[2] as string)).trim().slice(0, 2000);
  // The same code as "too many parts", but this one does not pass.
  const tooManyWeeks = code === 252 && message.startsWith('Too many partitions');
  const transient = match === null || (TRANSIENT_CODES.has(code) && !tooManyWeeks);
  return new StorageError(transient ? 'transient' : 'permanent', code, message || 'storage gave no reason');
}

export function isTransient(error: unknown): boolean {
  return error instanceof StorageError && error.kind === 'transient';
}
