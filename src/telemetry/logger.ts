/** Trivium's own log: one line per event in logfmt on standard error. Values never hold secrets: callers see to it. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export type LogFields = Readonly<Record<string, unknown>>;

/** Structural type: every room declares what it needs of this. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  readonly now: () => number;
  /** Counts lines by level, for `trivium_log_messages_total`. */
  readonly onLine?: (level: LogLevel) => void;
}

/** A logger that writes lines at or above `level`. */
export function createLogger(options: LoggerOptions): Logger {
  const log = (level: LogLevel, message: string, fields: LogFields = {}) => {
    options.onLine?.(level);
    if (ORDER[level] < ORDER[options.level]) return;
    let line = `ts=${new Date(options.now()).toISOString()} level=${level} msg=${quote(message)}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${key}=${quote(text(value))}`;
    }
    options.write(`${line}\n`);
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  };
}

function text(value: unknown): string {
  if (value instanceof Error) {
    const cause = value.cause instanceof Error ? `: ${text(value.cause)}` : '';
    return `${value.message}${cause}`;
  }
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}

function quote(value: string): string {
  return /^[^\s"=\\]+$/.test(value) ? value : JSON.stringify(value);
}
