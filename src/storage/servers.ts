/** External servers given by URL: who we are there, and which one is asked next when one does not answer. */

import type { Endpoint } from './client.ts';
import { StorageError } from './errors.ts';
import { checkName } from './schema/cluster.ts';

const DEFAULT_DATABASE = 'trivium';

export interface ServerOptions {
  readonly urls: readonly string[];
  /** Used where the URL has none. */
  readonly user?: string;
  readonly password?: string;
}

export class ServerList {
  readonly endpoints: readonly Endpoint[];
  /** From the URL's path (http://host:8123/name), else `trivium`. */
  readonly database: string;
  #current = 0;

  constructor({ urls, user, password }: ServerOptions) {
    let database: string | undefined;
    this.endpoints = urls.map((text) => {
      const url = parse(text);
      const name = url.pathname.replaceAll('/', '');
      if (name !== '') {
        checkName('database', name);
        if (database !== undefined && database !== name)
          throw new StorageError('permanent', 0, 'all ClickHouse URLs must name the same database');
        database = name;
      }
      return {
        url: new URL(url.origin),
        user: decodeURIComponent(url.username) || user || 'default',
        password: decodeURIComponent(url.password) || password || '',
      };
    });
    if (this.endpoints.length === 0) throw new StorageError('permanent', 0, 'no ClickHouse URL was given');
    this.database = database ?? DEFAULT_DATABASE;
  }

  readonly endpoint = (): Endpoint => this.endpoints[this.#current] as Endpoint;

  /** Moves on to the next server if this one is still the current. */
  readonly failed = (endpoint: Endpoint): void => {
    if (endpoint === this.endpoint()) this.#current = (this.#current + 1) % this.endpoints.length;
  };
}

function parse(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new StorageError(
      'permanent',
      0,
      `'${text}' is not a URL; expected http://user:password@host:8123`,
      { cause },
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new StorageError(
      'permanent',
      0,
      `${url.protocol}//${url.host}: storage speaks HTTP; use port 8123 or 8443`,
    );
  return url;
}
