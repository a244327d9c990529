/**
 * Mines patterns from log lines: lines of the same shape become one pattern with `<_>` where they differ. In the manner
 * of Drain: a line is cut into tokens, tokens that look like values are wildcards from the start, lines with the same
 * number of tokens and the same first word meet, and the most similar cluster takes the line or a new one is made.
 * Bounded in clusters, tokens and characters; knows nothing of requests.
 */

import type { TemplateToken } from './pattern-tokens.ts';
import { tokenize, WILDCARD } from './pattern-tokens.ts';

/** Share of equal tokens from which a line belongs to a cluster. */
const SIMILARITY = 0.5;
const MAX_CLUSTERS = 300;
const MAX_CLUSTERS_PER_GROUP = 50;

interface Cluster {
  readonly tokens: TemplateToken[];
  /** Lines by bucket (seconds). */
  readonly counts: Map<number, number>;
  total: number;
}

export interface MinedPattern {
  readonly pattern: string;
  /** Lines per bucket, ascending in time. */
  readonly samples: readonly (readonly [seconds: number, lines: number])[];
  readonly total: number;
}

export class PatternMiner {
  readonly #groups = new Map<string, Cluster[]>();
  readonly #stepSeconds: number;
  #clusters = 0;

  constructor(stepSeconds: number) {
    this.#stepSeconds = Math.max(1, Math.floor(stepSeconds));
  }

  add(line: string, seconds: number): void {
    const tokens = tokenize(line);
    if (tokens.length === 0) return;
    const first = tokens[0] as TemplateToken;
    const key = `${tokens.length} ${first.text === WILDCARD ? '' : first.text}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#clusters >= MAX_CLUSTERS) return;
      group = [];
      this.#groups.set(key, group);
    }
    let best: Cluster | undefined;
    let bestScore = -1;
    for (const cluster of group) {
      const score = similarity(cluster.tokens, tokens);
      if (score > bestScore) {
        bestScore = score;
        best = cluster;
      }
    }
    if (best === undefined || bestScore < SIMILARITY) {
      if (this.#clusters < MAX_CLUSTERS && group.length < MAX_CLUSTERS_PER_GROUP) {
        best = { tokens, counts: new Map(), total: 0 };
        group.push(best);
        this.#clusters++;
      } else if (best === undefined) return;
    }
    merge(best.tokens, tokens);
    const bucket = Math.floor(seconds / this.#stepSeconds) * this.#stepSeconds;
    best.counts.set(bucket, (best.counts.get(bucket) ?? 0) + 1);
    best.total++;
  }

  /** The patterns, the most frequent first. Clusters that came to read the same are one. */
  patterns(): MinedPattern[] {
    const byText = new Map<string, { counts: Map<number, number>; total: number }>();
    for (const group of this.#groups.values()) {
      for (const { tokens, counts, total } of group) {
        const text = render(tokens);
        const known = byText.get(text);
        if (known === undefined) {
          byText.set(text, { counts: new Map(counts), total });
          continue;
        }
        known.total += total;
        for (const [bucket, count] of counts)
          known.counts.set(bucket, (known.counts.get(bucket) ?? 0) + count);
      }
    }
    return [...byText]
      .map(([pattern, { counts, total }]) => ({
        pattern,
        total,
        samples: [...counts].sort((a, b) => a[0] - b[0]),
      }))
      .sort((a, b) => b.total - a.total);
  }
}

/** Equal tokens over all; a wildcard counts for half, so that exact clusters win. */
function similarity(cluster: readonly TemplateToken[], tokens: readonly TemplateToken[]): number {
  let score = 0;
  for (let i = 0; i < cluster.length; i++) {
    const a = (cluster[i] as TemplateToken).text;
    const b = (tokens[i] as TemplateToken).text;
    if (a === b) score += 1;
    else if (a === WILDCARD) score += 0.5;
  }
  return score / cluster.length;
}

function merge(cluster: TemplateToken[], tokens: readonly TemplateToken[]): void {
  for (let i = 0; i < cluster.length; i++) {
    const token = cluster[i] as TemplateToken;
    if (token.text !== (tokens[i] as TemplateToken).text) {
      cluster[i] = { text: WILDCARD, spaceBefore: token.spaceBefore };
    }
  }
}

/** Tokens as a pattern; wildcards that touch become one, as two of them mean no more. */
function render(tokens: readonly TemplateToken[]): string {
  let out = '';
  let afterWildcard = false;
  for (const { text, spaceBefore } of tokens) {
    const isWildcard = text === WILDCARD;
    if (isWildcard && afterWildcard && !spaceBefore) continue;
    if (spaceBefore) out += ' ';
    out += text;
    afterWildcard = isWildcard;
  }
  // A run of wildcards says no more than one.
  return out.replace(/<_>(?: <_>){2,}/g, '<_> <_>');
}
