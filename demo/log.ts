/**
 * A service's log: structured JSON lines through OpenTelemetry's logs API. The line holds level, message
 * and measures; identities (order.id, user.id, ...) are attributes; trace and span ids come from the
 * active context by themselves. Writes nowhere else.
 */
import { type Attributes, trace } from '@opentelemetry/api';
import { logs, SeverityNumber } from '@opentelemetry/api-logs';

export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const severities: Record<Level, SeverityNumber> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/** Writes one log record. `fields` go into the JSON line, `attributes` become the record's attributes. */
export function log(
  level: Level,
  message: string,
  fields: Record<string, string | number | boolean> = {},
  attributes: Attributes = {},
): void {
  logs.getLogger('shop').emit({
    severityNumber: severities[level],
    severityText: level.toUpperCase(),
    body: JSON.stringify({ level, message, ...fields }),
    attributes: attributes as Record<string, string>,
  });
}

/** Logs an error with the exception attributes of the semantic conventions and marks the active span. */
export function logError(message: string, error: unknown, attributes: Attributes = {}): void {
  const cause = error instanceof Error ? error : new Error(String(error));
  trace.getActiveSpan()?.recordException(cause);
  log(
    'error',
    message,
    { error: cause.message },
    {
      ...attributes,
      'exception.type': cause.name,
      'exception.message': cause.message,
      ...(cause.stack === undefined ? {} : { 'exception.stacktrace': cause.stack }),
    },
  );
}

/** Milliseconds rounded to a tenth, for log lines. */
export function tenths(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}
