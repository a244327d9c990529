/**
 * Outgoing HTTP: one client per configuration, with its connections kept alive, credentials, TLS, proxy, redirects
 * and limits. It knows nothing of what is asked for.
 */

import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { gunzip, inflate } from 'node:zlib';
import type { HttpClientConfig, Secret, TlsConfig } from './config.ts';
import { BodyTooLargeError, describeCause, HttpRequestError } from './errors.ts';
import { openTunnel, proxyAuthorization, proxyFor } from './proxy.ts';

const MAX_REDIRECTS = 10;
/** A token is asked for anew this long before it ends. */
const TOKEN_MARGIN_MS = 10_000;

export interface ClientRequest {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Aborts the request and the reading of its answer. Abort with a TimeoutError for "context deadline exceeded". */
  readonly signal: AbortSignal;
}

export interface ClientResponse {
  readonly status: number;
  /** `500 Internal Server Error` */
  readonly statusLine: string;
  readonly headers: http.IncomingHttpHeaders;
  /** The body as it comes in, not decompressed. */
  readonly stream: http.IncomingMessage;
  /** The whole body, decompressed. Throws BodyTooLargeError or HttpRequestError. */
  bytes(maxBytes: number): Promise<Uint8Array>;
}

export interface ClientOptions {
  readonly now: () => number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A Unix socket to connect to, whatever host the URL names. */
  readonly socketPath?: string;
}

export class HttpClient {
  readonly #config: HttpClientConfig;
  readonly #options: ClientOptions;
  readonly #httpAgent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  #httpsAgent: https.Agent | undefined;
  /** Modification times of the files that the agent was made from. */
  #tlsStamp = '';
  #token: { readonly text: string; readonly untilMs: number } | undefined;
  #tokenRequest: Promise<string> | undefined;
  #tokenClient: HttpClient | undefined;

  constructor(config: HttpClientConfig, options: ClientOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** Sends a request and resolves when the answer's head is there. Rejects with HttpRequestError. */
  async request(request: ClientRequest): Promise<ClientResponse> {
    const method = request.method ?? 'GET';
    try {
      let url = new URL(request.url);
      const origin = url.host;
      let { body } = request;
      let verb = method;
      for (let redirects = 0; ; redirects++) {
        const headers = { ...request.headers, ...(await this.#headers(url.host === origin, request.signal)) };
        const answer = await this.#send(verb, url, headers, body, request.signal);
        const location = answer.headers.location;
        const status = answer.statusCode as number;
        const follows = this.#config.followRedirects && [301, 302, 303, 307, 308].includes(status);
        if (!follows || location === undefined) return toResponse(answer, request.signal);
        answer.resume();
        if (redirects === MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
        url = new URL(location, url);
        if (status < 307) {
          verb = verb === 'HEAD' ? 'HEAD' : 'GET';
          body = undefined;
        }
      }
    } catch (error) {
      const timedOut = isTimeout(request.signal);
      const cause = timedOut ? 'context deadline exceeded' : describeCause(error);
      const verb = method.charAt(0) + method.slice(1).toLowerCase();
      throw new HttpRequestError(`${verb} "${request.url}": ${cause}`, timedOut, error);
    }
  }

  /** Closes idle connections; requests under way go on. */
  close(): void {
    this.#httpAgent.destroy();
    this.#httpsAgent?.destroy();
    this.#tokenClient?.close();
  }

  async #send(
    method: string,
    url: URL,
    headers: Record<string, string | readonly string[]>,
    body: string | Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const { proxy, tls: tlsConfig } = this.#config;
    const through = proxyFor(url, proxy, this.#options.env ?? process.env);
    const secure = url.protocol === 'https:';
    if (!secure && url.protocol !== 'http:') {
      throw new Error(`unsupported protocol scheme "${url.protocol.slice(0, -1)}"`);
    }
    if (url.username !== '' && headers.authorization === undefined) {
      const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      headers.authorization = `Basic ${Buffer.from(user).toString('base64')}`;
    }
    const options: https.RequestOptions = {
      method,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: url.pathname + url.search,
      headers: { host: url.host, ...headers } as http.OutgoingHttpHeaders,
      signal,
      agent: secure ? this.#secureAgent() : this.#httpAgent,
    };
    if (this.#options.socketPath !== undefined) {
      options.socketPath = this.#options.socketPath;
      delete options.port;
    } else if (through !== undefined && !secure) {
      Object.assign(options, {
        host: through.hostname,
        port: through.port === '' ? 80 : Number(through.port),
        path: url.href,
        headers: { ...options.headers, ...proxyAuthorization(through) },
      });
    } else if (through !== undefined) {
      const socket = await openTunnel(through, url, plain(secretHeaders(proxy.connectHeaders)), signal);
      const secured = tls.connect({ socket, servername: url.hostname, ...tlsOptions(tlsConfig) });
      Object.assign(options, { agent: false, createConnection: () => secured });
    }
    return exchange(secure, options, body);
  }

  /** The agent for TLS; made anew when certificate files have changed. */
  #secureAgent(): https.Agent {
    const { tls: config } = this.#config;
    const stamp = [config.ca, config.cert, config.key]
      .map((secret) => (secret?.file === undefined ? '' : String(statSync(secret.file).mtimeMs)))
      .join();
    if (this.#httpsAgent === undefined || stamp !== this.#tlsStamp) {
      this.#httpsAgent?.destroy();
      this.#httpsAgent = new https.Agent({ keepAlive: true, ...tlsOptions(config) });
      this.#tlsStamp = stamp;
    }
    return this.#httpsAgent;
  }

  /** Credentials go only to the host that was asked for, not to where it redirects. */
  async #headers(
    sameHost: boolean,
    signal: AbortSignal,
  ): Promise<Record<string, string | readonly string[]>> {
    const { basicAuth, authorization, oauth2, headers } = this.#config;
    const out = secretHeaders(headers);
    if (!sameHost) return out;
    if (basicAuth !== undefined) {
      const user = `${readSecret(basicAuth.username)}:${readSecret(basicAuth.password)}`;
      out.authorization = `Basic ${Buffer.from(user).toString('base64')}`;
    } else if (authorization !== undefined) {
      out.authorization = `${authorization.type} ${readSecret(authorization.credentials)}`;
    } else if (oauth2 !== undefined) {
      out.authorization = `Bearer ${await this.#accessToken(signal)}`;
    }
    return out;
  }

  /** OAuth 2.0 client credentials (RFC 6749, 4.4). One request serves all that wait. */
  async #accessToken(signal: AbortSignal): Promise<string> {
    if (this.#token !== undefined && this.#options.now() < this.#token.untilMs) return this.#token.text;
    this.#tokenRequest ??= this.#fetchToken(signal).finally(() => {
      this.#tokenRequest = undefined;
    });
    return this.#tokenRequest;
  }

  async #fetchToken(signal: AbortSignal): Promise<string> {
    const { oauth2 } = this.#config;
    if (oauth2 === undefined) throw new Error('no oauth2 section');
    this.#tokenClient ??= new HttpClient(
      { tls: oauth2.tls, proxy: oauth2.proxy, followRedirects: true, enableHttp2: true, headers: {} },
      this.#options,
    );
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...oauth2.endpointParams });
    if (oauth2.scopes.length > 0) form.set('scope', oauth2.scopes.join(' '));
    const user = `${encodeURIComponent(oauth2.clientId)}:${encodeURIComponent(readSecret(oauth2.clientSecret))}`;
    const response = await this.#tokenClient.request({
      method: 'POST',
      url: oauth2.tokenUrl,
      headers: {
        authorization: `Basic ${Buffer.from(user).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: form.toString(),
      signal,
    });
    const text = Buffer.from(await response.bytes(1 << 20)).toString();
    if (response.status !== 200) throw new Error(`oauth2: cannot fetch token: ${response.statusLine}`);
    const answer = JSON.parse(text) as { access_token?: unknown; expires_in?: unknown };
    if (typeof answer.access_token !== 'string')
      throw new Error('oauth2: server response missing access_token');
    const seconds = Number(answer.expires_in ?? 0);
    this.#token = {
      text: answer.access_token,
      untilMs: this.#options.now() + (seconds > 0 ? seconds * 1000 - TOKEN_MARGIN_MS : 3_600_000),
    };
    return answer.access_token;
  }
}

/** Sends; once more when a connection that was kept alive turns out to have been closed by the server meanwhile. */
function exchange(
  secure: boolean,
  options: https.RequestOptions,
  body: string | Uint8Array | undefined,
  isRetry = false,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = secure ? https.request(options) : http.request(options);
    request.on('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      const wasClosed = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (wasClosed && !isRetry && (options.method === 'GET' || options.method === 'HEAD')) {
        exchange(secure, options, body, true).then(resolve, reject);
      } else reject(error);
    });
    request.end(body);
  });
}

function toResponse(answer: http.IncomingMessage, signal: AbortSignal): ClientResponse {
  const status = answer.statusCode as number;
  return {
    status,
    statusLine: `${status} ${http.STATUS_CODES[status] ?? answer.statusMessage ?? ''}`.trimEnd(),
    headers: answer.headers,
    stream: answer,
    bytes: (maxBytes) => readBody(answer, maxBytes, signal),
  };
}

async function readBody(
  answer: http.IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > maxBytes) throw new BodyTooLargeError(maxBytes);
      chunks.push(chunk);
    }
    const body = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    switch (answer.headers['content-encoding']) {
      case 'gzip':
      case 'x-gzip':
        return await decompress(gunzip, body, maxBytes);
      case 'deflate':
        return await decompress(inflate, body, maxBytes);
      default:
        return body;
    }
  } catch (error) {
    answer.destroy();
    if (error instanceof BodyTooLargeError) throw error;
    const timedOut = isTimeout(signal);
    throw new HttpRequestError(
      timedOut ? 'context deadline exceeded' : answer.complete ? describeCause(error) : 'unexpected EOF',
      timedOut,
      error,
    );
  }
}

function decompress(method: typeof gunzip, body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    method(body, { maxOutputLength: Math.min(maxBytes, 2 ** 32) }, (error, result) => {
      if (error === null) resolve(result);
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        reject(new BodyTooLargeError(maxBytes));
      else reject(new Error(`gzip: invalid header (${error.message})`));
    });
  });
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError';
}

function tlsOptions(config: TlsConfig): tls.ConnectionOptions & { servername?: string } {
  return {
    rejectUnauthorized: !config.insecureSkipVerify,
    minVersion: config.minVersion ?? 'TLSv1.2',
    ...(config.maxVersion === undefined ? {} : { maxVersion: config.maxVersion }),
    ...(config.serverName === undefined ? {} : { servername: config.serverName }),
    ...(config.ca === undefined ? {} : { ca: readSecret(config.ca) }),
    ...(config.cert === undefined ? {} : { cert: readSecret(config.cert) }),
    ...(config.key === undefined ? {} : { key: readSecret(config.key) }),
  };
}

/** A secret's text; that of a file without the white space around it. Throws when the file cannot be read. */
export function readSecret(secret: Secret): string {
  return secret.file === undefined ? (secret.value ?? '') : readFileSync(secret.file, 'utf8').trim();
}

function secretHeaders(headers: HttpClientConfig['headers']): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name.toLowerCase(), values.map(readSecret)]),
  );
}

function plain(headers: Record<string, string | readonly string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value.join(', '),
    ]),
  );
}
