/**
 * The demo shop's entry: `startDemo` for `trivium demo`, and a command of its own
 * (`node demo/main.ts --otlp http://127.0.0.1:4318`). Opens the control endpoint; the processes are the
 * supervisor's business and the customers the load generator's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import type { OtlpProtocol } from './protocol.ts';
import { Supervisor } from './supervisor.ts';
import { startTraffic, type Traffic } from './traffic.ts';

const defaultSeed = '1984';
const defaultRequestsPerSecond = 10;
const defaultDayMs = 10 * 60_000;
const maxControlBodyBytes = 1024;

export interface DemoOptions {
  /** OTLP endpoint, for instance http://127.0.0.1:4318; it need not answer yet. */
  readonly otlpEndpoint: string;
  /** Same seed, same customers, products and latencies. Default: DEMO_SEED, else a fixed one. */
  readonly seed?: string | number;
  /** Port of the storefront; the other services and the control endpoint follow. Default: free ports. */
  readonly basePort?: number;
  /** Default http/protobuf. */
  readonly otlpProtocol?: OtlpProtocol;
  /** Mean over the shop's day; default 10. */
  readonly requestsPerSecond?: number;
  /** Length of the shop's day; default 10 minutes. */
  readonly dayMs?: number;
  /** Ends the demo when aborted. */
  readonly signal?: AbortSignal;
  /** Where notices go (a service ended, telemetry cannot be delivered); default: nowhere. */
  readonly log?: (message: string) => void;
}

export interface Demo {
  /** `GET /faults`, `POST /faults/:id {"enabled": true}`, `GET /`. */
  readonly controlUrl: string;
  readonly storefrontUrl: string;
  stop(): Promise<void>;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function readControlBody(message: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > maxControlBodyBytes) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The control endpoint. POST wants application/json, which no foreign web page can send unasked. */
async function control(
  supervisor: Supervisor,
  traffic: Traffic,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (message.url ?? '/').split('?')[0]!;
  if (message.method === 'GET' && path === '/') {
    answer(response, 200, {
      storefrontUrl: supervisor.urlOf('storefront'),
      services: supervisor.states(),
      traffic: { ...traffic.counts, hour: Math.round(traffic.hour() * 100) / 100 },
      faults: supervisor.faults(),
    });
  } else if (message.method === 'GET' && path === '/faults') {
    answer(response, 200, supervisor.faults());
  } else if (message.method === 'POST' && path.startsWith('/faults/')) {
    if (!message.headers['content-type']?.startsWith('application/json')) {
      answer(response, 415, { error: 'send content-type: application/json' });
      return;
    }
    const body = (await readControlBody(message)) as { enabled?: unknown } | undefined;
    if (typeof body?.enabled !== 'boolean') {
      answer(response, 400, { error: 'the body must be {"enabled": true} or {"enabled": false}' });
      return;
    }
    const fault = supervisor.setFault(path.slice('/faults/'.length), body.enabled);
    if (fault) answer(response, 200, fault);
    else answer(response, 404, { error: 'no such fault; GET /faults lists them' });
  } else {
    answer(response, 404, { error: 'there is GET /, GET /faults and POST /faults/:id' });
  }
}

/**
 * Starts the shop and its customers; resolves when all six services answer. Rejects when one cannot be
 * started within 20 s or the signal is aborted before that.
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const seed = String(options.seed ?? process.env.DEMO_SEED ?? defaultSeed);
  const signal = options.signal ?? new AbortController().signal;
  const basePort = options.basePort ?? 0;
  const supervisor = await Supervisor.start(
    {
      otlpEndpoint: options.otlpEndpoint,
      otlpProtocol: options.otlpProtocol ?? 'http/protobuf',
      seed,
      basePort,
      log: options.log ?? (() => {}),
    },
    signal,
  );
  const traffic = startTraffic({
    seed,
    storefrontUrl: () => supervisor.urlOf('storefront'),
    requestsPerSecond: options.requestsPerSecond ?? defaultRequestsPerSecond,
    dayMs: options.dayMs ?? defaultDayMs,
  });
  const server = createServer((message, response) => {
    control(supervisor, traffic, message, response).catch(() => response.destroy());
  });

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      signal.removeEventListener('abort', stop);
      traffic.stop();
      server.close();
      server.closeAllConnections();
      await supervisor.stop();
    })();
    return stopped;
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(basePort === 0 ? 0 : basePort + 6, '127.0.0.1', resolve);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  signal.addEventListener('abort', stop);
  if (signal.aborted) await stop();
  return {
    controlUrl: `http://127.0.0.1:${(server.address() as AddressInfo | null)?.port}`,
    storefrontUrl: supervisor.urlOf('storefront'),
    stop,
  };
}

const usage = `node demo/main.ts --otlp URL [--protocol http/protobuf|http/json|grpc] [--seed TEXT]
                  [--base-port N] [--rate REQUESTS_PER_SECOND] [--day-minutes N]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      otlp: { type: 'string', default: 'http://127.0.0.1:4318' },
      protocol: { type: 'string', default: 'http/protobuf' },
      seed: { type: 'string' },
      'base-port': { type: 'string', default: '0' },
      rate: { type: 'string', default: String(defaultRequestsPerSecond) },
      'day-minutes': { type: 'string', default: String(defaultDayMs / 60_000) },
      help: { type: 'boolean', default: false },
    },
  });
  const [basePort, rate, dayMinutes] = [values['base-port'], values.rate, values['day-minutes']].map(Number);
  const known = ['http/protobuf', 'http/json', 'grpc'].includes(values.protocol);
  const numbersHold =
    Number.isInteger(basePort) && basePort! >= 0 && basePort! < 65_529 && rate! >= 0 && dayMinutes! > 0;
  if (values.help || !known || !numbersHold || !URL.canParse(values.otlp)) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const demo = await startDemo({
    otlpEndpoint: values.otlp,
    otlpProtocol: values.protocol as OtlpProtocol,
    basePort: basePort!,
    requestsPerSecond: rate!,
    dayMs: dayMinutes! * 60_000,
    signal: abort.signal,
    log: (message) => process.stderr.write(`demo: ${message}\n`),
    ...(values.seed === undefined ? {} : { seed: values.seed }),
  });
  process.stdout.write(`storefront ${demo.storefrontUrl}\ncontrol    ${demo.controlUrl}\n`);
}

if (import.meta.main) await main();
