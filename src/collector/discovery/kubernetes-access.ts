/** Server and credentials from a kubeconfig file (its current context). */

import path from 'node:path';
import { parse } from 'yaml';
import type { HttpClientConfig, Secret, TlsConfig } from '../../http/client/config.ts';

export interface ApiServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly http: HttpClientConfig;
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { name: string; context: { cluster: string; user: string } }[];
  readonly clusters?: readonly { name: string; cluster: Record<string, unknown> }[];
  readonly users?: readonly { name: string; user: Record<string, unknown> }[];
}

/** Throws when the file names no usable context. */
export function readKubeconfig(text: string, file: string, http: HttpClientConfig): ApiServer {
  const config = (parse(text) ?? {}) as Kubeconfig;
  const wanted = config['current-context'] ?? config.contexts?.[0]?.name;
  const context = config.contexts?.find(({ name }) => name === wanted)?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user ?? {};
  if (typeof cluster?.server !== 'string') {
    throw new Error(`${file}: the context ${JSON.stringify(wanted ?? '')} names no cluster with a server`);
  }
  if (user.exec !== undefined || user['auth-provider'] !== undefined) {
    throw new Error(
      `${file}: exec and auth-provider of users are not supported; use a token or a certificate`,
    );
  }
  const folder = path.dirname(file);
  /** `name-data` holds base64, `name` a path relative to the file. */
  const material = (owner: Record<string, unknown>, name: string): Secret | undefined => {
    const data = owner[`${name}-data`];
    if (typeof data === 'string') return { value: Buffer.from(data, 'base64').toString() };
    const named = owner[name];
    return typeof named === 'string' ? { file: path.resolve(folder, named) } : undefined;
  };
  const ca = material(cluster, 'certificate-authority');
  const cert = material(user, 'client-certificate');
  const key = material(user, 'client-key');
  const serverName = cluster['tls-server-name'];
  const tls: TlsConfig = {
    insecureSkipVerify: cluster['insecure-skip-tls-verify'] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(typeof serverName === 'string' ? { serverName } : {}),
  };
  const token: Secret | undefined =
    typeof user.token === 'string'
      ? { value: user.token }
      : typeof user.tokenFile === 'string'
        ? { file: path.resolve(folder, user.tokenFile) }
        : undefined;
  return {
    url: cluster.server.replace(/\/$/, ''),
    http: {
      ...http,
      tls,
      ...(token === undefined ? {} : { authorization: { type: 'Bearer', credentials: token } }),
      ...(typeof user.username === 'string' && typeof user.password === 'string'
        ? { basicAuth: { username: { value: user.username }, password: { value: user.password } } }
        : {}),
    },
  };
}
