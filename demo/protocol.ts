/**
 * What the supervisor and the services say to each other over Node's IPC channel, and how a child is
 * configured. Types and names only; the channel's end is also the signal for a child to end.
 */

export const serviceNames = [
  'storefront',
  'catalog',
  'orders',
  'payments',
  'inventory',
  'recommendations',
] as const;
export type ServiceName = (typeof serviceNames)[number];

export type OtlpProtocol = 'http/protobuf' | 'http/json' | 'grpc';

/** Handed to a child as JSON in its only argument. */
export interface ServiceConfig {
  readonly service: ServiceName;
  /** Port to listen on; 0 lets the system choose. */
  readonly port: number;
  readonly brokerPort: number;
  readonly seed: string;
  /** Base URL, for instance http://127.0.0.1:4318 (signals' paths are appended for HTTP). */
  readonly otlpEndpoint: string;
  readonly otlpProtocol: OtlpProtocol;
}

/** Ports of all services that are up, by name. */
export type Topology = Readonly<Partial<Record<ServiceName, number>>>;

export type ToService =
  | { readonly kind: 'topology'; readonly ports: Topology }
  | { readonly kind: 'faults'; readonly enabled: readonly string[] }
  | { readonly kind: 'stop' };

export type FromService =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'warning'; readonly message: string };
