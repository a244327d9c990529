/**
 * Keeps the shop's processes: starts the broker and the six services, tells them of each other, starts
 * what died again, passes faults on. Knows how a process is run, nothing of what it sells.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Broker } from './broker.ts';
import { type Fault, faultCatalogue } from './faults.ts';
import {
  type FromService,
  type OtlpProtocol,
  type ServiceConfig,
  type ServiceName,
  serviceNames,
  type ToService,
} from './protocol.ts';

const startTimeoutMs = 20_000;
const stopTimeoutMs = 4000;
const restartDelaysMs = [500, 1000, 2000, 5000];
const steadyMs = 10_000;
const warningIntervalMs = 60_000;
/** Heap limits in MB. Recommendations needs room for the fault that makes its memory grow. */
const oldSpaceMb: Record<ServiceName, number> = {
  storefront: 64,
  catalog: 64,
  orders: 64,
  payments: 64,
  inventory: 64,
  recommendations: 256,
};

export interface SupervisorOptions {
  readonly otlpEndpoint: string;
  readonly otlpProtocol: OtlpProtocol;
  readonly seed: string;
  /** Port of the first service; the others follow. 0: free ports. */
  readonly basePort: number;
  log(message: string): void;
}

/**
 * Where Node keeps compiled code between starts: halves a service's start-up time and saves 20 MB, since
 * types need not be stripped again. Beside the dependencies; Node does without where it cannot write.
 */
function compileCache(): string {
  const folder = `${sep}node_modules${sep}`;
  const anchor = createRequire(import.meta.url).resolve('@opentelemetry/api');
  return join(anchor.slice(0, anchor.lastIndexOf(folder)), folder, '.cache', 'trivium-demo');
}

interface Child {
  readonly service: ServiceName;
  process: ChildProcess | undefined;
  /** Kept over restarts. */
  port: number;
  up: boolean;
  restarts: number;
  failures: number;
  startedMs: number;
}

export interface ServiceState {
  readonly service: ServiceName;
  readonly url: string;
  readonly pid: number | null;
  readonly up: boolean;
  readonly restarts: number;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #broker: Broker;
  readonly #children: Child[];
  readonly #enabled = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;
  #nextWarningMs = 0;
  #onChange: () => void = () => {};

  private constructor(options: SupervisorOptions, broker: Broker) {
    this.#options = options;
    this.#broker = broker;
    this.#children = serviceNames.map((service, n) => ({
      service,
      process: undefined,
      port: options.basePort === 0 ? 0 : options.basePort + n,
      up: false,
      restarts: 0,
      failures: 0,
      startedMs: 0,
    }));
  }

  /** Starts everything and resolves when all services listen; rejects (and stops all) when one does not. */
  static async start(options: SupervisorOptions, signal: AbortSignal): Promise<Supervisor> {
    const supervisor = new Supervisor(options, await Broker.open());
    try {
      for (const child of supervisor.#children) supervisor.#spawn(child);
      await supervisor.#allUp(signal);
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    return supervisor;
  }

  #allUp(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.#onChange = () => {};
        if (error) reject(error);
        else resolve();
      };
      const aborted = (): void => finish(new Error('stopped while starting'));
      const timer = setTimeout(() => {
        const late = this.#children.filter((child) => !child.up).map((child) => child.service);
        finish(
          new Error(`the demo shop did not start within ${startTimeoutMs / 1000} s: ${late.join(', ')}`),
        );
      }, startTimeoutMs);
      signal.addEventListener('abort', aborted);
      this.#onChange = () => {
        if (this.#children.every((child) => child.up)) finish();
      };
      if (signal.aborted) aborted();
    });
  }

  #spawn(child: Child): void {
    const { otlpEndpoint, otlpProtocol, seed } = this.#options;
    const config: ServiceConfig = {
      service: child.service,
      port: child.port,
      brokerPort: this.#broker.port,
      seed,
      otlpEndpoint,
      otlpProtocol,
    };
    const env = { ...process.env };
    // These would instrument or redirect the services in ways that the demo does not mean.
    for (const name of ['NODE_OPTIONS', 'NODE_TEST_CONTEXT', 'NODE_V8_COVERAGE', 'OTEL_SDK_DISABLED']) {
      delete env[name];
    }
    env.NODE_COMPILE_CACHE ??= compileCache();
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const started = spawn(
      process.execPath,
      [
        `--max-old-space-size=${oldSpaceMb[child.service]}`,
        '--max-semi-space-size=1',
        '--v8-pool-size=1',
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL(`./child.${extension}`, import.meta.url)),
        JSON.stringify(config),
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env },
    );
    child.process = started;
    child.startedMs = performance.now();
    let complaints = '';
    started.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      complaints = (complaints + chunk).slice(-2000);
    });
    started.on('message', (message: FromService) => {
      if (message.kind === 'listening') {
        child.port = message.port;
        child.up = true;
        this.#tell(child, { kind: 'faults', enabled: [...this.#enabled] });
        this.#announce();
        this.#onChange();
      } else {
        this.#warn(`${child.service}: ${message.message}`);
      }
    });
    started.on('error', (error) =>
      this.#options.log(`${child.service} could not be started: ${error.message}`),
    );
    started.on('exit', (code, signal) => {
      child.process = undefined;
      child.up = false;
      if (this.#stopping) return;
      this.#announce();
      child.failures = performance.now() - child.startedMs > steadyMs ? 0 : child.failures + 1;
      const delayMs = restartDelaysMs[Math.min(child.failures, restartDelaysMs.length - 1)]!;
      const reason = complaints.trim().split('\n').slice(-3).join(' | ');
      this.#options.log(
        `${child.service} ended (${signal ?? `status ${code}`}), starts again in ${delayMs} ms${reason && `: ${reason}`}`,
      );
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        child.restarts++;
        this.#spawn(child);
      }, delayMs);
      this.#timers.add(timer);
    });
  }

  /** Services' complaints are mostly the same one six times over: one of them a minute will do. */
  #warn(message: string): void {
    if (performance.now() < this.#nextWarningMs) return;
    this.#nextWarningMs = performance.now() + warningIntervalMs;
    this.#options.log(message);
  }

  #tell(child: Child, message: ToService): void {
    if (child.process?.connected) child.process.send(message, () => {});
  }

  #announce(): void {
    const ports = Object.fromEntries(
      this.#children.filter((child) => child.up).map((child) => [child.service, child.port]),
    );
    for (const child of this.#children) if (child.up) this.#tell(child, { kind: 'topology', ports });
  }

  urlOf(service: ServiceName): string {
    return `http://127.0.0.1:${this.#children.find((child) => child.service === service)!.port}`;
  }

  states(): ServiceState[] {
    return this.#children.map((child) => ({
      service: child.service,
      url: this.urlOf(child.service),
      pid: child.process?.pid ?? null,
      up: child.up,
      restarts: child.restarts,
    }));
  }

  faults(): Fault[] {
    return faultCatalogue.map((fault) => ({ ...fault, enabled: this.#enabled.has(fault.id) }));
  }

  /** Switches one fault; undefined when there is none of that name. */
  setFault(id: string, enabled: boolean): Fault | undefined {
    if (!faultCatalogue.some((fault) => fault.id === id)) return undefined;
    if (enabled) this.#enabled.add(id);
    else this.#enabled.delete(id);
    for (const child of this.#children) this.#tell(child, { kind: 'faults', enabled: [...this.#enabled] });
    return this.faults().find((fault) => fault.id === id);
  }

  /** Asks all services to end, kills those that do not within some seconds, closes the broker. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(
      this.#children.map(async (child) => {
        const running = child.process;
        if (!running || running.exitCode !== null || running.signalCode !== null) return;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => running.kill('SIGKILL'), stopTimeoutMs);
          running.once('exit', () => {
            clearTimeout(timer);
            resolve();
          });
          if (child.up) this.#tell(child, { kind: 'stop' });
          else running.kill('SIGKILL');
        });
      }),
    );
    await this.#broker.close();
  }
}
