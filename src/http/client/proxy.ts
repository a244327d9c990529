/** Which proxy a request goes through, and the tunnel for TLS behind one. */

import http from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ProxyConfig } from './config.ts';

/** The proxy for a URL, or undefined when it is reached directly. */
export function proxyFor(
  url: URL,
  config: ProxyConfig,
  env: Readonly<Record<string, string | undefined>>,
): URL | undefined {
  let proxy = config.url;
  let without = config.noProxy;
  if (config.fromEnvironment) {
    const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    proxy = env[name] ?? env[name.toLowerCase()];
    without = (env.NO_PROXY ?? env.no_proxy ?? '').split(',');
    // As everywhere, the environment's proxy is not for this machine itself.
    if (/^(localhost|127\.|\[::1\])/.test(url.hostname)) return undefined;
  }
  if (proxy === undefined || proxy === '' || isExcluded(url, without)) return undefined;
  return new URL(proxy.includes('://') ? proxy : `http://${proxy}`);
}

function isExcluded(url: URL, patterns: readonly string[]): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return patterns.some((raw) => {
    const pattern = raw.trim().toLowerCase();
    if (pattern === '') return false;
    if (pattern === '*') return true;
    const network = /^(.+)\/(\d+)$/.exec(pattern);
    if (network !== null && isIP(host) !== 0 && isIP(network[1] as string) === isIP(host)) {
      const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
      const list = new BlockList();
      list.addSubnet(network[1] as string, Number(network[2]), family);
      return list.check(host, family);
    }
    const [, name = pattern, wantedPort] = /^(.*?)(?::(\d+))?$/.exec(pattern) as RegExpExecArray;
    if (wantedPort !== undefined && wantedPort !== port) return false;
    const domain = name.replace(/^\*?\./, '');
    if (host === domain) return !name.startsWith('.');
    return isIP(host) === 0 && host.endsWith(`.${domain}`);
  });
}

/** Headers that the proxy itself wants. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
}

/** Opens a tunnel through the proxy to the URL's host. */
export function openTunnel(
  proxy: URL,
  target: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Duplex> {
  const authority = `${target.hostname}:${target.port === '' ? 443 : target.port}`;
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: proxy.hostname,
      port: proxy.port === '' ? 80 : Number(proxy.port),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxyAuthorization(proxy), ...headers },
      signal,
    });
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else {
        socket.destroy();
        reject(new Error(`proxy answered CONNECT with ${response.statusCode} ${response.statusMessage}`));
      }
    });
    request.on('error', reject);
    request.end();
  });
}
