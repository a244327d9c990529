/** The demo's broker: groups each get every message, unacknowledged ones come again, windows hold. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Broker, type FromBroker, type Message, onLines, type ToBroker } from '../../demo/broker.ts';

/** Everything but the broker's periodic depths, one text each, as it arrives. */
class Client {
  readonly #socket: Socket;
  readonly #seen: string[] = [];
  readonly #waiting: ((text: string) => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    onLines(socket, (line) => {
      const order = JSON.parse(line) as FromBroker;
      if (order.op === 'depth') return;
      const text =
        order.op === 'deliver' ? `${order.group} gets ${order.message.id}` : `${order.op} ${order.id}`;
      const next = this.#waiting.shift();
      if (next) next(text);
      else this.#seen.push(text);
    });
  }

  static async open(broker: Broker): Promise<Client> {
    const socket = connect(broker.port, '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket);
  }

  send(order: ToBroker): void {
    this.#socket.write(`${JSON.stringify(order)}\n`);
  }

  next(): Promise<string> {
    const seen = this.#seen.shift();
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}

const message = (id: string): Message => ({
  id,
  topic: 't',
  headers: { traceparent: id },
  body: 1,
  publishedMs: 0,
});

test('each group gets every message once, no more at a time than its window', { timeout: 5000 }, async () => {
  const broker = await Broker.open();
  const [sender, one, two] = [
    await Client.open(broker),
    await Client.open(broker),
    await Client.open(broker),
  ];
  // A subscription has no answer of its own; publishing over the same connection keeps the order.
  one.send({ op: 'subscribe', topic: 't', group: 'a', window: 1 });
  one.send({ op: 'publish', message: { ...message('probe-1'), topic: 'elsewhere' } });
  assert.equal(await one.next(), 'accepted probe-1');
  two.send({ op: 'subscribe', topic: 't', group: 'b', window: 5 });
  two.send({ op: 'publish', message: { ...message('probe-2'), topic: 'elsewhere' } });
  assert.equal(await two.next(), 'accepted probe-2');

  for (const id of ['1', '2', '3']) {
    sender.send({ op: 'publish', message: message(id) });
    assert.equal(await sender.next(), `accepted ${id}`);
  }
  assert.deepEqual(
    [await two.next(), await two.next(), await two.next()],
    ['b gets 1', 'b gets 2', 'b gets 3'],
  );
  assert.equal(await one.next(), 'a gets 1');
  one.send({ op: 'publish', message: { ...message('probe-3'), topic: 'elsewhere' } });
  assert.equal(await one.next(), 'accepted probe-3', 'nothing beyond the window before the acknowledgement');
  one.send({ op: 'ack', topic: 't', group: 'a', id: '1' });
  assert.equal(await one.next(), 'a gets 2');
  for (const client of [sender, one, two]) client.close();
  await broker.close();
});

test('what a subscriber had not acknowledged when it vanished goes to the next one', {
  timeout: 5000,
}, async () => {
  const broker = await Broker.open();
  const [sender, first, second] = [
    await Client.open(broker),
    await Client.open(broker),
    await Client.open(broker),
  ];
  first.send({ op: 'subscribe', topic: 't', group: 'a', window: 2 });
  first.send({ op: 'publish', message: { ...message('probe'), topic: 'elsewhere' } });
  assert.equal(await first.next(), 'accepted probe');
  for (const id of ['1', '2', '3']) sender.send({ op: 'publish', message: message(id) });
  assert.deepEqual([await first.next(), await first.next()], ['a gets 1', 'a gets 2']);
  first.send({ op: 'ack', topic: 't', group: 'a', id: '1' });
  assert.equal(await first.next(), 'a gets 3');
  first.close();
  second.send({ op: 'subscribe', topic: 't', group: 'a', window: 9 });
  assert.deepEqual([await second.next(), await second.next()], ['a gets 2', 'a gets 3']);
  for (const client of [sender, second]) client.close();
  await broker.close();
});
