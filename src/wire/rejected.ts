/** What a decoder refused of a request: how many items, and why, for partial success answers and metrics. */

/** Reasons may hold names that the sender chose: no more than so many are told apart. */
const MAX_REASONS = 8;
const OTHERS = 'other reasons';

/** Reasons are counted; the message names the most frequent first, each with one example. */
export class Rejected {
  count = 0;
  readonly #reasons = new Map<string, { count: number; example: string }>();

  /** Refuses `count` items. The `example` of the first item of each reason is kept. */
  add(reason: string, count = 1, example = ''): void {
    this.count += count;
    if (this.#reasons.size >= MAX_REASONS && !this.#reasons.has(reason)) {
      reason = OTHERS;
      example = '';
    }
    const known = this.#reasons.get(reason);
    if (known === undefined) this.#reasons.set(reason, { count, example });
    else known.count += count;
  }

  get reasons(): ReadonlyMap<string, { readonly count: number; readonly example: string }> {
    return this.#reasons;
  }

  /** One line for people; '' when nothing was refused. */
  get message(): string {
    return [...this.#reasons]
      .sort((a, b) => b[1].count - a[1].count)
      .map(([reason, { count, example }]) => {
        const times = count > 1 ? ` (${count} times)` : '';
        return example === '' ? `${reason}${times}` : `${reason}: ${shorten(example)}${times}`;
      })
      .join('; ');
  }
}

function shorten(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length <= 120 ? quoted : `${quoted.slice(0, 117)}..."`;
}
