/** Serves one dialect over node:http, for tests that need real requests. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Dialect, HttpRequest, HttpResponse } from '../../src/http/handler.ts';
import { HttpError } from '../../src/http/handler.ts';
import { Router } from '../../src/http/router.ts';

async function bodyOf(message: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Listens on a free port of 127.0.0.1 (or the given one); `url` is its base. */
export async function serveDialect(dialect: Dialect, port = 0): Promise<{ url: string; server: Server }> {
  const router = new Router(dialect.routes);
  const server = createServer(async (message, reply) => {
    const url = new URL(message.url ?? '/', 'http://localhost');
    const body = bodyOf(message);
    const abort = new AbortController();
    reply.on('close', () => abort.abort());
    const match = router.match(message.method ?? 'GET', url.pathname);
    const request: HttpRequest = {
      method: message.method ?? 'GET',
      path: url.pathname,
      pathParams: match.kind === 'found' ? match.params : {},
      query: url.searchParams,
      headers: message.headers as Record<string, string>,
      tenant: 'test',
      signal: abort.signal,
      remoteAddress: '127.0.0.1',
      body: () => body,
      form: async () => {
        const form = new URLSearchParams(url.searchParams);
        if ((message.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
          for (const [k, v] of new URLSearchParams(Buffer.from(await body).toString())) form.append(k, v);
        }
        return form;
      },
    };
    let answer: HttpResponse;
    try {
      if (match.kind !== 'found') throw new HttpError(404, 'not found');
      answer = await match.handler(request);
    } catch (error) {
      answer = dialect.onError(error, request);
    }
    reply.writeHead(answer.status, answer.headers);
    if (answer.body === undefined) reply.end();
    else if (typeof answer.body === 'string' || answer.body instanceof Uint8Array) reply.end(answer.body);
    else {
      for await (const piece of answer.body) reply.write(piece);
      reply.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, server };
}
