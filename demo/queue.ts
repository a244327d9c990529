/**
 * The services' side of the broker: publishes and consumes messages with spans as the messaging
 * semantic conventions ask for. The trace context (and baggage) travels in message headers. A message
 * processed by itself continues its sender's trace; a batch has a trace of its own, linked to all of them.
 */
import { connect, type Socket } from 'node:net';
import {
  type Attributes,
  context,
  type Link,
  metrics,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { type FromBroker, type Message, onLines, type ToBroker } from './broker.ts';
import { withFate } from './fate.ts';
import { ServiceError } from './http.ts';
import { logError } from './log.ts';
import { hash32 } from './random.ts';

const system = 'shopmq';
const reconnectMs = 250;
const publishTimeoutMs = 2000;

export interface Consumption {
  readonly topic: string;
  readonly group: string;
  /** How many messages at a time. */
  readonly window: number;
  handle(message: Message): Promise<void>;
}

export interface BatchConsumption {
  readonly topic: string;
  readonly group: string;
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  handle(messages: readonly Message[]): Promise<void>;
}

export class Queue {
  readonly #port: number;
  readonly #service: string;
  readonly #seed: string;
  #socket: Socket | undefined;
  #closed = false;
  #published = 0;
  #depths: Readonly<Record<string, number>> = {};
  readonly #open = new Map<string, { resolve(): void; reject(error: Error): void; timer: NodeJS.Timeout }>();
  readonly #consumers = new Map<
    string,
    { window: number; topic: string; group: string; take(m: Message): void }
  >();
  readonly #tracer = trace.getTracer('shop.queue', '1.0.0');
  readonly #sent = metrics.getMeter('shop.queue', '1.0.0').createCounter('messaging.client.sent.messages', {
    unit: '{message}',
    description: 'Messages that producers attempted to send.',
  });
  readonly #processing = metrics
    .getMeter('shop.queue', '1.0.0')
    .createHistogram('messaging.process.duration', {
      unit: 's',
      description: 'Duration of processing operation.',
      advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] },
    });

  constructor(options: { port: number; service: string; seed: string }) {
    this.#port = options.port;
    this.#service = options.service;
    this.#seed = options.seed;
    this.#connect();
  }

  /** Messages that wait or are being processed, by `topic/group`, as the broker last told. */
  get depths(): Readonly<Record<string, number>> {
    return this.#depths;
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    if (this.#closed) return;
    const socket = connect(this.#port, '127.0.0.1');
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject, timer } of this.#open.values()) {
        clearTimeout(timer);
        reject(new ServiceError(503, 'the connection to the broker broke'));
      }
      this.#open.clear();
      if (!this.#closed) setTimeout(() => this.#connect(), reconnectMs).unref();
    });
    socket.on('connect', () => {
      for (const consumer of this.#consumers.values()) this.#subscribe(consumer);
    });
    onLines(socket, (line) => this.#take(JSON.parse(line) as FromBroker));
  }

  #send(order: ToBroker): void {
    this.#socket?.write(`${JSON.stringify(order)}\n`);
  }

  #subscribe(consumer: { topic: string; group: string; window: number }): void {
    this.#send({ op: 'subscribe', topic: consumer.topic, group: consumer.group, window: consumer.window });
  }

  #take(order: FromBroker): void {
    if (order.op === 'depth') {
      this.#depths = order.depths;
    } else if (order.op === 'deliver') {
      this.#consumers.get(`${order.message.topic}/${order.group}`)?.take(order.message);
    } else {
      const waiting = this.#open.get(order.id);
      if (!waiting) return;
      this.#open.delete(order.id);
      clearTimeout(waiting.timer);
      if (order.op === 'accepted') waiting.resolve();
      else waiting.reject(new ServiceError(503, order.reason));
    }
  }

  /** Publishes a message and resolves when the broker has taken it; rejects with ServiceError 503. */
  async publish(topic: string, body: unknown, attributes: Attributes = {}): Promise<void> {
    const id = `${hash32(this.#service).toString(36)}-${process.pid.toString(36)}-${++this.#published}`;
    const destination = { 'messaging.system': system, 'messaging.destination.name': topic };
    await this.#tracer.startActiveSpan(
      `send ${topic}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...destination,
          ...attributes,
          'messaging.operation.name': 'send',
          'messaging.operation.type': 'send',
          'messaging.message.id': id,
        },
      },
      async (span) => {
        const headers: Record<string, string> = {};
        propagation.inject(context.active(), headers);
        let outcome: Attributes = {};
        try {
          await new Promise<void>((resolve, reject) => {
            const timer = setTimeout(() => {
              this.#open.delete(id);
              reject(new ServiceError(503, 'the broker did not answer'));
            }, publishTimeoutMs);
            this.#open.set(id, { resolve, reject, timer });
            this.#send({ op: 'publish', message: { id, topic, headers, body, publishedMs: Date.now() } });
          });
        } catch (error) {
          outcome = { 'error.type': 'unavailable' };
          span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
          throw error;
        } finally {
          this.#sent.add(1, { ...destination, 'messaging.operation.name': 'send', ...outcome });
          span.end();
        }
      },
    );
  }

  /** Consumes one message at a time (up to `window` of them side by side), each in its sender's trace. */
  consume(consumption: Consumption): void {
    const { topic, group, window } = consumption;
    this.#register({
      topic,
      group,
      window,
      take: (message) => {
        const parent = propagation.extract(ROOT_CONTEXT, message.headers);
        const creation = trace.getSpanContext(parent);
        const links: Link[] = creation ? [{ context: creation }] : [];
        this.#process({
          topic,
          group,
          messages: [message],
          parent,
          links,
          run: () => consumption.handle(message),
        });
      },
    });
  }

  /** Consumes messages in batches; the batch's span starts a trace of its own with a link per message. */
  consumeBatches(consumption: BatchConsumption): void {
    const { topic, group, maxBatch, maxDelayMs } = consumption;
    let batch: Message[] = [];
    let timer: NodeJS.Timeout | undefined;
    const flush = (): void => {
      clearTimeout(timer);
      timer = undefined;
      const messages = batch;
      batch = [];
      const links: Link[] = [];
      for (const message of messages) {
        const creation = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, message.headers));
        if (creation) links.push({ context: creation, attributes: { 'messaging.message.id': message.id } });
      }
      const run = (): Promise<void> => consumption.handle(messages);
      this.#process({ topic, group, messages, parent: ROOT_CONTEXT, links, run });
    };
    this.#register({
      topic,
      group,
      window: maxBatch * 2,
      take: (message) => {
        batch.push(message);
        if (batch.length >= maxBatch) flush();
        else timer ??= setTimeout(flush, maxDelayMs);
      },
    });
  }

  #register(consumer: { topic: string; group: string; window: number; take(message: Message): void }): void {
    this.#consumers.set(`${consumer.topic}/${consumer.group}`, consumer);
    if (this.#socket?.readyState === 'open') this.#subscribe(consumer);
  }

  #process(work: {
    topic: string;
    group: string;
    messages: readonly Message[];
    parent: typeof ROOT_CONTEXT;
    links: Link[];
    run(): Promise<void>;
  }): void {
    const { topic, group, messages } = work;
    const first = messages[0]!;
    const attributes = {
      'messaging.system': system,
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': group,
      'messaging.operation.name': 'process',
    };
    const parent = withFate(work.parent, this.#seed, `${this.#service} ${topic}`);
    const span = this.#tracer.startSpan(
      `process ${topic}`,
      {
        kind: SpanKind.CONSUMER,
        links: work.links,
        attributes: {
          ...attributes,
          'messaging.operation.type': 'process',
          ...(messages.length === 1
            ? { 'messaging.message.id': first.id }
            : { 'messaging.batch.message_count': messages.length }),
          'shop.queue.wait_ms': Date.now() - first.publishedMs,
        },
      },
      parent,
    );
    const startMs = performance.now();
    context.with(trace.setSpan(parent, span), async () => {
      let outcome: Attributes = {};
      try {
        await work.run();
      } catch (error) {
        outcome = { 'error.type': error instanceof Error ? error.name : 'error' };
        span.setStatus({ code: SpanStatusCode.ERROR });
        logError(`processing ${topic} failed`, error, { 'messaging.message.id': first.id });
      }
      this.#processing.record((performance.now() - startMs) / 1000, { ...attributes, ...outcome });
      span.end();
      for (const message of messages) this.#send({ op: 'ack', topic, group, id: message.id });
    });
  }
}
