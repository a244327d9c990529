/**
 * Serves the Tempo API over spans in memory, with an OTLP/HTTP JSON receiver on the same port, for the conformance
 * runner: `node test/traceql/serve-memory.ts [port]` prints the address.
 */

import { createServer } from 'node:http';
import { tempoDialect } from '../../src/api/tempo/index.ts';
import { HttpError, type HttpRequest } from '../../src/http/handler.ts';
import { Router } from '../../src/http/router.ts';
import { otlpJsonToProtobuf } from '../../src/wire/otlp/json.ts';
import { TRACES } from '../../src/wire/otlp/schema.ts';
import { decodeTraces } from '../../src/wire/otlp/traces.ts';
import { MemorySpans } from './memory-source.ts';

const source = new MemorySpans();
const dialect = tempoDialect({
  source,
  now: () => Date.now(),
  buildInfo: { version: 'memory', revision: '', branch: '', buildDate: '' },
});
const router = new Router(dialect.routes);

const server = createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (url.pathname === '/v1/traces') {
    source.add(decodeTraces(otlpJsonToProtobuf(body, TRACES), 'anonymous').batch);
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    return;
  }
  const match = router.match(incoming.method ?? 'GET', url.pathname);
  const request: HttpRequest = {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    pathParams: match.kind === 'found' ? match.params : {},
    query: url.searchParams,
    headers: incoming.headers as Record<string, string>,
    tenant: 'anonymous',
    signal: AbortSignal.timeout(60_000),
    remoteAddress: '',
    body: async () => body,
    form: async () => url.searchParams,
  };
  let response: Awaited<ReturnType<typeof dialect.onError>>;
  try {
    if (match.kind !== 'found') throw new HttpError(404, 'not found');
    response = await match.handler(request);
  } catch (error) {
    response = dialect.onError(error, request);
    if (response.status >= 500) console.error(request.path, url.search, error);
  }
  outgoing.writeHead(response.status, response.headers).end(response.body as string | Uint8Array);
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`);
});
