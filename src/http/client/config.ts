/** How an outgoing HTTP connection is made and who it claims to be: `http_config` of Prometheus and Alertmanager. */

/** A secret by value or in a file that is read again for every request. */
export interface Secret {
  readonly value?: string;
  readonly file?: string;
}

export interface TlsConfig {
  /** PEM. */
  readonly ca?: Secret;
  readonly cert?: Secret;
  readonly key?: Secret;
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

export interface ProxyConfig {
  readonly url?: string;
  /** Hosts, domains (with or without leading dot), addresses and networks that are reached directly. */
  readonly noProxy: readonly string[];
  readonly fromEnvironment: boolean;
  readonly connectHeaders: Readonly<Record<string, readonly Secret[]>>;
}

export interface OAuth2Config {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  readonly endpointParams: Readonly<Record<string, string>>;
  readonly tls: TlsConfig;
  readonly proxy: ProxyConfig;
}

export interface HttpClientConfig {
  readonly basicAuth?: { readonly username: Secret; readonly password: Secret };
  /** `Authorization: <type> <credentials>` */
  readonly authorization?: { readonly type: string; readonly credentials: Secret };
  readonly oauth2?: OAuth2Config;
  readonly tls: TlsConfig;
  readonly proxy: ProxyConfig;
  readonly followRedirects: boolean;
  /** Accepted; connections speak HTTP/1.1, which every server of HTTP/2 over TLS offers as well. */
  readonly enableHttp2: boolean;
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
}

export const NO_TLS: TlsConfig = { insecureSkipVerify: false };
export const NO_PROXY: ProxyConfig = { noProxy: [], fromEnvironment: false, connectHeaders: {} };

export const DEFAULT_HTTP_CLIENT: HttpClientConfig = {
  tls: NO_TLS,
  proxy: NO_PROXY,
  followRedirects: true,
  enableHttp2: true,
  headers: {},
};
