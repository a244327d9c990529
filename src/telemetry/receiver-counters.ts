/**
 * Counts what receivers take and refuse, under the OpenTelemetry Collector's names: with and without `_total`,
 * because dashboards and alerts of different ages ask for either.
 */

import type { MetricFamily, Registry } from './registry.ts';

type ReceivedSignal = 'spans' | 'metric_points' | 'log_records';

const SIGNALS: readonly ReceivedSignal[] = ['spans', 'metric_points', 'log_records'];

/** Structurally what the collector's receivers ask for. */
export interface ReceiverCounters {
  accepted(signal: ReceivedSignal, receiver: string, transport: string, items: number): void;
  refused(signal: ReceivedSignal, receiver: string, transport: string, items: number, reason: string): void;
  malformed(receiver: string, transport: string, reason: string): void;
}

/** Registers the counters. `onRefused` hears of refusals as well (status page). */
export function receiverCounters(
  registry: Registry,
  onRefused: (signal: ReceivedSignal, items: number) => void,
): ReceiverCounters {
  const labels = ['receiver', 'transport'];
  const pair = (outcome: 'accepted' | 'refused') =>
    Object.fromEntries(
      SIGNALS.map((signal) => [
        signal,
        registry.counter(
          `otelcol_receiver_${outcome}_${signal}_total`,
          `${outcome === 'accepted' ? 'Stored' : 'Refused'} ${signal.replace('_', ' ')} by receiver.`,
          labels,
        ),
      ]),
    ) as Record<ReceivedSignal, ReturnType<Registry['counter']>>;
  const accepted = pair('accepted');
  const refused = pair('refused');
  const reasons = registry.counter('trivium_receiver_refused_items_total', 'Refused items by reason.', [
    'receiver',
    'signal',
    'reason',
  ]);
  const malformed = registry.counter(
    'trivium_receiver_malformed_requests_total',
    'Requests that could not be read.',
    ['receiver', 'transport', 'reason'],
  );
  registry.collector(() =>
    [accepted, refused].flatMap((counters) =>
      SIGNALS.map((signal): MetricFamily => {
        const family = counters[signal].collect();
        return { ...family, name: family.name.replace(/_total$/, '') };
      }),
    ),
  );
  return {
    accepted: (signal, receiver, transport, items) => accepted[signal].add(items, receiver, transport),
    refused: (signal, receiver, transport, items, reason) => {
      refused[signal].add(items, receiver, transport);
      reasons.add(items, receiver, signal, reason);
      onRefused(signal, items);
    },
    malformed: (receiver, transport, reason) => malformed.add(1, receiver, transport, reason),
  };
}
