/** Fetches a target's page: what is asked for, how large it may be, and the words when it fails. */

import { type ClientOptions, HttpClient } from '../../http/client/client.ts';
import { SCRAPE_PROTOCOLS, type ScrapeConfig } from './config.ts';

/** Without a limit in the configuration, a page may be as large as this. */
const DEFAULT_MAX_BODY_BYTES = 256 * 2 ** 20;

export interface FetchedPage {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Gets the page at a URL. `signal` is aborted with a TimeoutError at the scrape timeout. */
export interface PageFetcher {
  fetch(url: string, timeoutMs: number, signal: AbortSignal): Promise<FetchedPage>;
  close(): void;
}

/** A fetcher for all targets of a job. */
export function pageFetcher(config: ScrapeConfig, userAgent: string, options: ClientOptions): PageFetcher {
  const client = new HttpClient(config.http, options);
  const fixed = {
    accept: acceptHeader(config),
    'accept-encoding': config.compression ? 'gzip' : 'identity',
    'user-agent': userAgent,
  };
  const limit = config.limits.bodyBytes;
  const maxBytes = limit > 0 ? limit - 1 : DEFAULT_MAX_BODY_BYTES;
  return {
    async fetch(url, timeoutMs, signal) {
      const response = await client.request({
        url,
        headers: { ...fixed, 'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000) },
        signal,
      });
      if (response.status !== 200) {
        response.stream.resume();
        throw new Error(`server returned HTTP status ${response.statusLine}`);
      }
      const body = await response.bytes(maxBytes);
      return { contentType: response.headers['content-type'] ?? '', body };
    },
    close: () => client.close(),
  };
}

/** The formats that the job wants, best first, with weights. */
export function acceptHeader(config: Pick<ScrapeConfig, 'protocols' | 'escaping'>): string {
  let weight = config.protocols.length + 1;
  const wanted = config.protocols.map((protocol) => {
    const escaping =
      protocol === 'PrometheusText1.0.0' || protocol === 'OpenMetricsText1.0.0'
        ? `;escaping=${config.escaping}`
        : '';
    return `${SCRAPE_PROTOCOLS[protocol]}${escaping};q=0.${weight--}`;
  });
  return [...wanted, `*/*;q=0.${weight}`].join(',');
}
