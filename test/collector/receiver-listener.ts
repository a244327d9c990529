/** A listener with all receivers on it and a memory sink behind them, on a free port. */

import { lokiReceiverRoutes } from '../../src/collector/receivers/loki.ts';
import { OtlpReceiver, type OtlpReceiverOptions } from '../../src/collector/receivers/otlp.ts';
import { remoteWriteRoutes } from '../../src/collector/receivers/prometheus-remote-write.ts';
import type { ReceiverMetrics } from '../../src/collector/receivers/receiver-metrics.ts';
import { Listener } from '../../src/http/listener.ts';
import { MemorySink } from './memory-sink.ts';

/** Counts as `accepted spans otlp grpc`: number. */
export class CountingMetrics implements ReceiverMetrics {
  readonly counts: Record<string, number> = {};

  #add(key: string, items: number): void {
    this.counts[key] = (this.counts[key] ?? 0) + items;
  }

  accepted(signal: string, receiver: string, transport: string, items: number): void {
    this.#add(`accepted ${signal} ${receiver} ${transport}`, items);
  }

  refused(signal: string, receiver: string, transport: string, items: number, reason: string): void {
    this.#add(`refused ${signal} ${receiver} ${transport} ${reason}`, items);
  }

  malformed(receiver: string, transport: string, reason: string): void {
    this.#add(`malformed ${receiver} ${transport} ${reason}`, 1);
  }
}

export interface ReceiverListener {
  readonly url: string;
  readonly port: number;
  readonly sink: MemorySink;
  readonly metrics: CountingMetrics;
  /** Errors that no receiver answered by itself. */
  readonly bugs: unknown[];
  close(): Promise<void>;
}

export const MAX_BODY_BYTES = 4 << 20;

export async function openReceivers(options: Partial<OtlpReceiverOptions> = {}): Promise<ReceiverListener> {
  const sink = new MemorySink();
  const metrics = new CountingMetrics();
  const bugs: unknown[] = [];
  const now = () => Date.now();
  const otlp = new OtlpReceiver({ sink, now, metrics, ...options });
  const { dialect } = otlp;
  const listener = await Listener.open({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: MAX_BODY_BYTES,
    grpcMethods: otlp.grpcMethods,
    onFinished: () => {},
    onBug: (error) => bugs.push(error),
    mounts: [
      {
        prefix: '',
        dialect: {
          ...dialect,
          routes: [
            ...dialect.routes,
            ...remoteWriteRoutes({ sink, now, metrics }),
            ...lokiReceiverRoutes({ sink, now, metrics, otlp }),
          ],
        },
      },
    ],
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    sink,
    metrics,
    bugs,
    close: () => listener.close(100),
  };
}
