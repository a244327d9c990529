/**
 * /loki/api/v1/tail: new lines over a WebSocket. With a live feed of committed batches, lines are pushed as they come;
 * without one, storage is asked once a second. A slow reader loses lines, and is told how many and which.
 */

import { setTimeout as delay } from 'node:timers/promises';
import {
  HttpError,
  type HttpRequest,
  type WebSocketConnection,
  type WebSocketRoute,
} from '../../http/handler.ts';
import type { LogBatch } from '../../model/batch.ts';
import type { Labels } from '../../model/labels.ts';
import type { LogExpr } from '../../query/logql/ast.ts';
import { LineLabels, StreamLabels } from '../../query/logql/line-labels.ts';
import { ParserHints } from '../../query/logql/parser-hints.ts';
import { compilePipeline, type Pipeline } from '../../query/logql/pipeline.ts';
import { matcherTest } from '../../query/syntax/regex.ts';
import { batchMetadata } from './batch-metadata.ts';
import type { LokiContext } from './context.ts';
import { labelsJson } from './json.ts';
import { bad, compiled, parseLimit, parseLogParam, parseTime } from './params.ts';

const MS = 1_000_000n;
const MAX_DELAY_SECONDS = 5;
/** How long a connection may stay without being asked again (Loki's tail_max_duration). */
const MAX_DURATION_MS = 3_600_000;
const POLL_MS = 1000;
/** How far a poll looks back behind the newest line it has seen, for lines that come late. */
const LATE_NS = 30_000_000_000n;
/** Lines that wait for a slow reader. */
const MAX_WAITING = 5000;
/** Lost lines that are named in a message. */
const MAX_NAMED = 100;

export function tailRoute(context: LokiContext): WebSocketRoute {
  const open = new Map<string, number>();
  return {
    path: '/loki/api/v1/tail',
    handler: async (request, accept) => {
      const tail = parseTail(context, request);
      const { tenant } = request;
      const { maxTails } = context.limits;
      const count = (open.get(tenant) ?? 0) + 1;
      if (maxTails > 0 && count > maxTails) {
        throw new HttpError(
          429,
          `max concurrent tail requests limit exceeded, count > limit (${count} > ${maxTails})`,
        );
      }
      open.set(tenant, count);
      try {
        await new Tail(context, tenant, tail, await accept()).run();
      } finally {
        const left = (open.get(tenant) ?? 1) - 1;
        if (left === 0) open.delete(tenant);
        else open.set(tenant, left);
      }
    },
  };
}

interface TailRequest {
  readonly expr: LogExpr;
  readonly pipeline: Pipeline;
  readonly startNs: bigint;
  readonly limit: number;
  readonly delayNs: bigint;
}

function parseTail(context: LokiContext, request: HttpRequest): TailRequest {
  const params = request.query;
  const expr = parseLogParam(params);
  const nowNs = BigInt(Math.floor(context.now())) * MS;
  const delayText = params.get('delay_for') ?? '0';
  if (!/^\d{1,9}$/.test(delayText)) throw bad(`invalid delay_for: ${delayText}`);
  if (Number(delayText) > MAX_DELAY_SECONDS) {
    throw bad(`delay_for can't be greater than ${MAX_DELAY_SECONDS}`);
  }
  return {
    expr,
    pipeline: compiled(params, () => compilePipeline(expr.stages, nowNs)),
    startNs: parseTime(params.get('start'), nowNs - 3_600_000n * MS, 'start'),
    limit: Math.min(parseLimit(params, 100), context.limits.maxEntries || Number.POSITIVE_INFINITY),
    delayNs: BigInt(delayText) * 1_000_000_000n,
  };
}

interface TailLine {
  readonly timeNs: bigint;
  readonly line: string;
  readonly labels: Labels;
}

class Tail {
  readonly #context: LokiContext;
  readonly #tenant: string;
  readonly #tail: TailRequest;
  readonly #connection: WebSocketConnection;
  readonly #signal: AbortSignal;
  #waiting: TailLine[] = [];
  #dropped: TailLine[] = [];
  #droppedCount = 0;
  #wake: (() => void) | undefined;

  constructor(context: LokiContext, tenant: string, tail: TailRequest, connection: WebSocketConnection) {
    this.#context = context;
    this.#tenant = tenant;
    this.#tail = tail;
    this.#connection = connection;
    this.#signal = AbortSignal.any([connection.signal, AbortSignal.timeout(MAX_DURATION_MS)]);
  }

  async run(): Promise<void> {
    const live = this.#context.deps.live;
    // The feed is opened first, so that nothing falls between the history and it.
    const held: TailLine[] = [];
    let catchingUp = true;
    const unsubscribe = live?.subscribe(this.#tenant, (batch) => {
      for (const line of this.#linesOf(batch)) {
        if (catchingUp) held.push(line);
        else this.#offer(line);
      }
    });
    try {
      const seen = await this.#history();
      catchingUp = false;
      for (const line of held) if (!seen.has(keyOf(line))) this.#offer(line);
      if (live === undefined) await Promise.race([this.#poll(seen), this.#deliver()]);
      else await this.#deliver();
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      unsubscribe?.();
    }
    this.#connection.close(1000, 'tail ended');
  }

  /** Sends the newest lines up to the limit, oldest first; gives what was seen. */
  async #history(): Promise<Map<string, bigint>> {
    const { expr, startNs, limit } = this.#tail;
    const nowNs = BigInt(Math.floor(this.#context.now())) * MS;
    const seen = new Map<string, bigint>();
    const lines: TailLine[] = [];
    const entries = this.#context.engine.entries(
      expr,
      {
        tenant: this.#tenant,
        startNs,
        // Clocks of senders may be a little ahead.
        endNs: nowNs + LATE_NS,
        direction: 'backward',
        limit,
        intervalNs: 0n,
      },
      { nowNs, signal: this.#signal },
    );
    for await (const { timeNs, line, labels } of entries) lines.push({ timeNs, line, labels });
    for (const line of lines.reverse()) {
      seen.set(keyOf(line), line.timeNs);
      this.#offer(line);
    }
    return seen;
  }

  /** Asks storage again and again for lines that were not seen. */
  async #poll(seen: Map<string, bigint>): Promise<void> {
    const { expr, startNs } = this.#tail;
    let fromNs = startNs;
    for (;;) {
      await delay(POLL_MS, undefined, { signal: this.#signal });
      const nowNs = BigInt(Math.floor(this.#context.now())) * MS;
      const oldest = nowNs - LATE_NS;
      if (oldest > fromNs) fromNs = oldest;
      const entries = this.#context.engine.entries(
        expr,
        {
          tenant: this.#tenant,
          startNs: fromNs,
          endNs: nowNs + LATE_NS,
          direction: 'forward',
          limit: MAX_WAITING,
          intervalNs: 0n,
        },
        { nowNs, signal: this.#signal },
      );
      for await (const { timeNs, line, labels } of entries) {
        const found = { timeNs, line, labels };
        const key = keyOf(found);
        if (seen.has(key)) continue;
        seen.set(key, timeNs);
        this.#offer(found);
      }
      for (const [key, timeNs] of seen) if (timeNs < fromNs) seen.delete(key);
    }
  }

  *#linesOf(batch: LogBatch): Generator<TailLine> {
    const { expr, pipeline, startNs } = this.#tail;
    const tests = expr.matchers.map((matcher) => ({ name: matcher.name, test: matcherTest(matcher) }));
    const bases = batch.streams.map((labels) =>
      tests.every(({ name, test }) => test(labels.get(name))) ? new StreamLabels(labels) : undefined,
    );
    if (bases.every((base) => base === undefined)) return;
    const labels = new LineLabels(ParserHints.all());
    for (let row = 0; row < batch.timesNs.length; row++) {
      const base = bases[batch.streamIndex.get(row)];
      if (base === undefined) continue;
      const timeNs = batch.timesNs.bigInt(row);
      if (timeNs < startNs) continue;
      labels.reset(base, batchMetadata(batch, row), timeNs);
      const line = pipeline.run(batch.bodies.string(row), labels);
      if (line !== undefined) yield { timeNs, line, labels: labels.labels() };
    }
  }

  #offer(line: TailLine): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#droppedCount++;
      if (this.#dropped.length < MAX_NAMED) this.#dropped.push(line);
      return;
    }
    this.#waiting.push(line);
    this.#wake?.();
  }

  async #deliver(): Promise<void> {
    const { delayNs } = this.#tail;
    while (!this.#signal.aborted) {
      if (this.#waiting.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          this.#signal.addEventListener('abort', () => resolve(), { once: true });
        });
        this.#wake = undefined;
        continue;
      }
      // Lines that wait for each other are sent in order of time.
      if (delayNs > 0n) await delay(Number(delayNs / MS), undefined, { signal: this.#signal });
      const lines = this.#waiting.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
      this.#waiting = [];
      await this.#connection.send(this.#message(lines));
    }
  }

  #message(lines: readonly TailLine[]): string {
    const streams = new Map<string, { labels: Labels; values: string[] }>();
    for (const { timeNs, line, labels } of lines) {
      let stream = streams.get(labels.key);
      if (stream === undefined) {
        stream = { labels, values: [] };
        streams.set(labels.key, stream);
      }
      stream.values.push(`["${timeNs}",${JSON.stringify(line)}]`);
    }
    const list = [...streams.values()].map(
      ({ labels, values }) => `{"stream":${labelsJson(labels)},"values":[${values.join(',')}]}`,
    );
    let dropped = '';
    if (this.#droppedCount > 0) {
      const named = this.#dropped.map(
        ({ timeNs, labels }) => `{"labels":${labelsJson(labels)},"timestamp":"${timeNs}"}`,
      );
      dropped = `,"dropped_entries":[${named.join(',')}]`;
      this.#dropped = [];
      this.#droppedCount = 0;
    }
    return `{"streams":[${list.join(',')}]${dropped}}`;
  }
}

function keyOf({ timeNs, line, labels }: TailLine): string {
  return `${timeNs} ${labels.key} ${line}`;
}
