/** What the server tells about itself, and what an instance without targets and rules answers. */

import type { HttpResponse, Route } from '../../http/handler.ts';
import { success } from './answer.ts';

/** The Prometheus whose API and language this is; clients decide by it what they may use. */
const API_LEVEL = '3.5.0';

export interface BuildInfo {
  /** Trivium's own version. */
  readonly version: string;
  readonly revision?: string;
  readonly buildDate?: string;
}

export interface StatusDeps {
  readonly buildInfo: BuildInfo;
  readonly startedMs: number;
  readonly now: () => number;
  /** How long data are kept, as text ("15d", "none"). */
  readonly retention?: string | undefined;
  /** The active prometheus.yml, when there is one. */
  readonly configYaml?: (() => string) | undefined;
  /** Command-line flags under Prometheus's names. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
  /** Whether the server takes queries and pushes; absent: always. */
  readonly isReady?: (() => boolean) | undefined;
}

const EMPTY: Readonly<Record<string, unknown>> = {
  '/api/v1/targets': { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} },
  '/api/v1/targets/metadata': [],
  '/api/v1/scrape_pools': { scrapePools: [] },
  '/api/v1/rules': { groups: [] },
  '/api/v1/alerts': { alerts: [] },
  '/api/v1/alertmanagers': { activeAlertmanagers: [], droppedAlertmanagers: [] },
  '/api/v1/status/walreplay': { min: 0, max: 0, current: 0 },
  '/api/v1/notifications': [],
};

export function statusRoutes(deps: StatusDeps): Route[] {
  const get = (path: string, handler: () => HttpResponse): Route => ({ methods: ['GET'], path, handler });
  const data = (path: string, value: () => unknown): Route =>
    get(path, () => success(JSON.stringify(value())));
  return [
    get('/-/healthy', () => plain(200, 'Prometheus Server is Healthy.\n')),
    get('/-/ready', () =>
      deps.isReady?.() === false
        ? plain(503, 'Service Unavailable')
        : plain(200, 'Prometheus Server is Ready.\n'),
    ),
    data('/api/v1/status/buildinfo', () => ({
      version: API_LEVEL,
      revision: deps.buildInfo.revision ?? '',
      branch: 'trivium',
      buildUser: `trivium@${deps.buildInfo.version}`,
      buildDate: deps.buildInfo.buildDate ?? '',
      goVersion: '',
      application: `Trivium ${deps.buildInfo.version}`,
    })),
    data('/api/v1/status/runtimeinfo', () => ({
      startTime: new Date(deps.startedMs).toISOString(),
      CWD: '',
      hostname: '',
      serverTime: new Date(deps.now()).toISOString(),
      reloadConfigSuccess: true,
      lastConfigTime: new Date(deps.startedMs).toISOString(),
      corruptionCount: 0,
      goroutineCount: 0,
      GOMAXPROCS: 0,
      GOMEMLIMIT: 0,
      GOGC: '',
      GODEBUG: '',
      storageRetention: deps.retention ?? '',
    })),
    data('/api/v1/status/config', () => ({ yaml: deps.configYaml?.() ?? '' })),
    data('/api/v1/status/flags', () => deps.flags ?? {}),
    ...Object.entries(EMPTY).map(([path, value]) => data(path, () => value)),
  ];
}

function plain(status: number, body: string): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
