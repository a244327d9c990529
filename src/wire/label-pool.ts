/** One string object per distinct label name and value, so that a million series do not hold a million copies. */

import { Dictionary } from '../model/attributes.ts';
import { Interner } from './interner.ts';

/** Beyond this many distinct strings the pool starts anew; what was handed out stays valid. */
const MAX_STRINGS = 200_000;

export class LabelPool {
  #dictionary = new Dictionary();
  #interner = new Interner(this.#dictionary);

  /** The UTF-8 string in bytes[start..end). Throws InputError when it is not UTF-8. */
  string(bytes: Uint8Array, start: number, end: number): string {
    if (this.#dictionary.strings.length >= MAX_STRINGS) {
      this.#dictionary = new Dictionary();
      this.#interner = new Interner(this.#dictionary);
    }
    return this.#dictionary.strings[this.#interner.indexOf(bytes, start, end)] as string;
  }
}
