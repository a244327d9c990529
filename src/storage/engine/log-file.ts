/** A log file that is rotated by size: NAME, NAME.1, NAME.2, ... Writes are synchronous and small. */

import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface RotatingFileOptions {
  readonly maxBytes: number;
  /** How many old files are kept. */
  readonly keep: number;
}

export class RotatingFile {
  readonly path: string;
  readonly #options: RotatingFileOptions;
  #file: number;
  #size: number;

  constructor(path: string, options: RotatingFileOptions) {
    this.path = path;
    this.#options = options;
    this.#file = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#file).size;
  }

  write(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) this.#rotate();
    writeSync(this.#file, bytes);
    this.#size += bytes.length;
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    closeSync(this.#file);
    for (let i = this.#options.keep; i > 0; i--) {
      try {
        renameSync(i === 1 ? this.path : `${this.path}.${i - 1}`, `${this.path}.${i}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    this.#file = openSync(this.path, 'w', 0o600);
    this.#size = 0;
  }
}
