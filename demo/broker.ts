/**
 * The shop's message broker: topics, consumer groups, acknowledgements, over TCP with one JSON object
 * a line. It stands for RabbitMQ or Kafka: uninstrumented, and it hands message headers on untouched.
 * Knows nothing of traces or of the shop.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';

const maxBacklog = 10_000;
const maxLineBytes = 256 * 1024;

export interface Message {
  readonly id: string;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Time of publishing, milliseconds since the epoch. */
  readonly publishedMs: number;
}

export type ToBroker =
  | { readonly op: 'publish'; readonly message: Message }
  | { readonly op: 'subscribe'; readonly topic: string; readonly group: string; readonly window: number }
  | { readonly op: 'ack'; readonly group: string; readonly topic: string; readonly id: string };

export type FromBroker =
  | { readonly op: 'accepted'; readonly id: string }
  | { readonly op: 'refused'; readonly id: string; readonly reason: string }
  | { readonly op: 'deliver'; readonly group: string; readonly message: Message }
  | { readonly op: 'depth'; readonly depths: Readonly<Record<string, number>> };

interface Subscriber {
  readonly socket: Socket;
  /** How many unacknowledged messages the subscriber takes at a time. */
  readonly window: number;
  readonly open: Map<string, Message>;
}

interface Group {
  readonly waiting: Message[];
  readonly subscribers: Subscriber[];
  turn: number;
}

/** Calls back for every complete line of a socket; ends sockets whose lines are too long. */
export function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineBytes) socket.destroy(new Error('line too long'));
    for (const line of lines) if (line !== '') take(line);
  });
}

export class Broker {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #topics = new Map<string, Map<string, Group>>();
  readonly #depthTimer: NodeJS.Timeout;

  private constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
    this.#depthTimer = setInterval(() => this.#tellDepths(), 1000);
  }

  /** Opens a broker on a free port of 127.0.0.1. */
  static open(): Promise<Broker> {
    const broker = new Broker();
    return new Promise((resolve, reject) => {
      broker.#server.once('error', reject);
      broker.#server.listen(0, '127.0.0.1', () => resolve(broker));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    clearInterval(this.#depthTimer);
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #group(topic: string, name: string): Group {
    let groups = this.#topics.get(topic);
    if (!groups) this.#topics.set(topic, (groups = new Map()));
    let group = groups.get(name);
    if (!group) groups.set(name, (group = { waiting: [], subscribers: [], turn: 0 }));
    return group;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#forget(socket);
    });
    onLines(socket, (line) => {
      let order: ToBroker;
      try {
        order = JSON.parse(line) as ToBroker;
      } catch {
        socket.destroy();
        return;
      }
      this.#obey(socket, order);
    });
  }

  #obey(socket: Socket, order: ToBroker): void {
    if (order.op === 'publish') {
      const { message } = order;
      const groups = [...(this.#topics.get(message.topic)?.values() ?? [])];
      if (groups.some((group) => group.waiting.length >= maxBacklog)) {
        this.#send(socket, { op: 'refused', id: message.id, reason: `${message.topic} is full` });
        return;
      }
      for (const group of groups) group.waiting.push(message);
      this.#send(socket, { op: 'accepted', id: message.id });
      for (const name of this.#topics.get(message.topic)?.keys() ?? []) this.#deliver(message.topic, name);
    } else if (order.op === 'subscribe') {
      const group = this.#group(order.topic, order.group);
      group.subscribers.push({ socket, window: order.window, open: new Map() });
      this.#deliver(order.topic, order.group);
    } else {
      const group = this.#group(order.topic, order.group);
      for (const subscriber of group.subscribers) {
        if (subscriber.socket === socket) subscriber.open.delete(order.id);
      }
      this.#deliver(order.topic, order.group);
    }
  }

  #deliver(topic: string, name: string): void {
    const group = this.#group(topic, name);
    const { waiting, subscribers } = group;
    for (let idle = 0; waiting.length > 0 && idle < subscribers.length; ) {
      const subscriber = subscribers[group.turn++ % subscribers.length]!;
      if (subscriber.open.size >= subscriber.window) {
        idle++;
        continue;
      }
      idle = 0;
      const message = waiting.shift()!;
      subscriber.open.set(message.id, message);
      this.#send(subscriber.socket, { op: 'deliver', group: name, message });
    }
  }

  /** A subscriber went away: what it had not acknowledged is delivered again. */
  #forget(socket: Socket): void {
    for (const [topic, groups] of this.#topics) {
      for (const [name, group] of groups) {
        const gone = group.subscribers.filter((subscriber) => subscriber.socket === socket);
        for (const subscriber of gone) {
          group.subscribers.splice(group.subscribers.indexOf(subscriber), 1);
          group.waiting.unshift(...subscriber.open.values());
        }
        if (gone.length > 0) this.#deliver(topic, name);
      }
    }
  }

  #tellDepths(): void {
    const depths: Record<string, number> = {};
    for (const [topic, groups] of this.#topics) {
      for (const [name, group] of groups) {
        const open = group.subscribers.reduce((sum, subscriber) => sum + subscriber.open.size, 0);
        depths[`${topic}/${name}`] = group.waiting.length + open;
      }
    }
    for (const socket of this.#sockets) this.#send(socket, { op: 'depth', depths });
  }

  #send(socket: Socket, message: FromBroker): void {
    if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
  }
}
