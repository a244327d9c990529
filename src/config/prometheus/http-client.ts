/** `basic_auth`, `authorization`, `oauth2`, `tls_config`, proxies and headers of everything that asks by HTTP. */

import {
  type HttpClientConfig,
  NO_PROXY,
  NO_TLS,
  type OAuth2Config,
  type ProxyConfig,
  type Secret,
  type TlsConfig,
  type TlsVersion,
} from '../../http/client/config.ts';
import type { YamlObject, YamlValue } from '../yaml.ts';
import { choice, filePath, flag, type ReadContext, secret, stringMap, text, texts, url } from './fields.ts';

const TLS_VERSIONS: Readonly<Record<string, TlsVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** Headers that the client itself sets. */
const RESERVED_HEADERS = new Set([
  'authorization',
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
  'x-prometheus-scrape-timeout-seconds',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

/** Reads the fields that stand directly in `owner`, as they do in scrape jobs and remote write. */
export function readHttpClient(owner: YamlObject, context: ReadContext): HttpClientConfig {
  const basic = owner.get('basic_auth');
  const authorization = owner.get('authorization');
  const oauth2 = owner.get('oauth2');
  const bearer = secret(owner, 'bearer_token', context);
  const given = [basic, authorization, oauth2, bearer].filter((part) => part !== undefined).length;
  if (given > 1) {
    owner.error('at most one of basic_auth, authorization, oauth2 and bearer_token must be configured');
  }
  const config: HttpClientConfig = {
    tls: readTls(owner.get('tls_config'), context),
    proxy: readProxy(owner),
    followRedirects: flag(owner.get('follow_redirects'), true),
    enableHttp2: flag(owner.get('enable_http2'), true),
    headers: readHeaders(owner.get('http_headers'), context),
  };
  if (basic !== undefined) return { ...config, basicAuth: readBasicAuth(basic.object(), context) };
  if (authorization !== undefined) {
    return { ...config, authorization: readAuthorization(authorization.object(), context) };
  }
  if (oauth2 !== undefined) return { ...config, oauth2: readOAuth2(oauth2.object(), context) };
  if (bearer !== undefined) return { ...config, authorization: { type: 'Bearer', credentials: bearer } };
  return config;
}

function readBasicAuth(object: YamlObject, context: ReadContext): { username: Secret; password: Secret } {
  const username = secret(object, 'username', context) ?? { value: '' };
  const password = secret(object, 'password', context) ?? { value: '' };
  object.done();
  return { username, password };
}

function readAuthorization(object: YamlObject, context: ReadContext): { type: string; credentials: Secret } {
  const type = text(object.get('type'), 'Bearer').trim() || 'Bearer';
  const credentials = secret(object, 'credentials', context) ?? { value: '' };
  if (type.toLowerCase() === 'basic') {
    object.error('authorization type cannot be set to "basic", use "basic_auth" instead');
  }
  object.done();
  return { type, credentials };
}

function readOAuth2(object: YamlObject, context: ReadContext): OAuth2Config {
  const clientId = text(object.get('client_id'));
  const clientSecret = secret(object, 'client_secret', context);
  const tokenUrl = url(object.get('token_url')) ?? '';
  const config: OAuth2Config = {
    clientId,
    clientSecret: clientSecret ?? { value: '' },
    scopes: texts(object.get('scopes')),
    tokenUrl,
    endpointParams: stringMap(object.get('endpoint_params')),
    tls: readTls(object.get('tls_config'), context),
    proxy: readProxy(object),
  };
  if (clientId === '') object.error('oauth2 client_id must be configured');
  if (tokenUrl === '') object.error('oauth2 token_url must be configured');
  if (clientSecret === undefined) {
    object.error('either oauth2 client_secret or client_secret_file must be configured');
  }
  object.done();
  return config;
}

export function readTls(value: YamlValue | undefined, context: ReadContext): TlsConfig {
  if (value === undefined) return NO_TLS;
  const object = value.object();
  const ca = secret(object, 'ca', context);
  const cert = secret(object, 'cert', context);
  const key = secret(object, 'key', context);
  const serverName = object.get('server_name')?.string();
  const version = (name: string): TlsVersion | undefined => {
    const field = object.get(name);
    const word = choice(field, Object.keys(TLS_VERSIONS), '', 'TLS version');
    return word === '' ? undefined : TLS_VERSIONS[word];
  };
  const minVersion = version('min_version');
  const maxVersion = version('max_version');
  if ((cert === undefined) !== (key === undefined)) {
    object.error(
      cert === undefined
        ? 'exactly one of cert or cert_file must be configured when a client key is configured'
        : 'exactly one of key or key_file must be configured when a client certificate is configured',
    );
  }
  const config: TlsConfig = {
    insecureSkipVerify: flag(object.get('insecure_skip_verify'), false),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
  };
  object.done();
  return config;
}

function readProxy(owner: YamlObject): ProxyConfig {
  const proxyUrl = owner.get('proxy_url');
  const noProxy = owner.get('no_proxy');
  const fromEnvironment = flag(owner.get('proxy_from_environment'), false);
  const connect = owner.get('proxy_connect_header');
  const given = url(proxyUrl);
  if (fromEnvironment && (proxyUrl !== undefined || noProxy !== undefined)) {
    owner.error('if proxy_from_environment is configured, proxy_url and no_proxy must not be configured');
  } else if (noProxy !== undefined && proxyUrl === undefined) {
    owner.error('if no_proxy is configured, proxy_url must also be configured');
  }
  if (connect !== undefined && proxyUrl === undefined && !fromEnvironment) {
    owner.error(
      'if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured',
    );
  }
  if (given === undefined && !fromEnvironment && connect === undefined) return NO_PROXY;
  const connectHeaders: Record<string, Secret[]> = {};
  const object = connect?.object();
  for (const name of object?.names() ?? []) {
    connectHeaders[name] = texts(object?.get(name)).map((value) => ({ value }));
  }
  return {
    ...(given === undefined ? {} : { url: given }),
    noProxy: text(noProxy).split(',').filter(Boolean),
    fromEnvironment,
    connectHeaders,
  };
}

function readHeaders(value: YamlValue | undefined, context: ReadContext): Record<string, Secret[]> {
  const headers: Record<string, Secret[]> = {};
  const object = value?.object();
  for (const name of object?.names() ?? []) {
    const entry = object?.get(name);
    if (entry === undefined) continue;
    if (RESERVED_HEADERS.has(name.toLowerCase()))
      entry.error(`setting header ${JSON.stringify(name)} is not allowed`);
    const parts = entry.object();
    headers[name] = [
      ...[...texts(parts.get('values')), ...texts(parts.get('secrets'))].map((item) => ({ value: item })),
      ...(parts.get('files')?.list() ?? []).flatMap((file) => {
        const resolved = filePath(file, context);
        return resolved === undefined ? [] : [{ file: resolved }];
      }),
    ];
    parts.done();
  }
  return headers;
}
