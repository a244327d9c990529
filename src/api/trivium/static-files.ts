/**
 * The built UI as files over HTTP: hashed assets are cached for ever, pages never, and every path that is no file
 * is the application's own route. Knows nothing of what is in the files.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { HttpError, type HttpRequest, type HttpResponse } from '../../http/handler.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.map': 'application/json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** Scripts from here alone; styles also inline, because the chart and the editor set them on elements. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'";

/** Serves `folder`. Throws HttpError 404 with what to do when the UI was never built. */
export function staticFiles(folder: string): (request: HttpRequest) => Promise<HttpResponse> {
  return async (request) => {
    const file = resolveInside(folder, request.path);
    const found = file === undefined ? undefined : await readIfFile(file);
    if (file !== undefined && found !== undefined) return respond(file, found);
    if (path.extname(request.path) !== '' && request.path.startsWith('/assets/')) {
      throw new HttpError(404, `no file at ${request.path}`);
    }
    const page = await readIfFile(path.join(folder, 'index.html'));
    if (page === undefined) {
      throw new HttpError(404, 'the UI is not built; run "npm run build:ui" and reload');
    }
    return respond('index.html', page);
  };
}

function respond(file: string, body: Uint8Array): HttpResponse {
  const extension = path.extname(file);
  const hashed = file.includes(`${path.sep}assets${path.sep}`);
  return {
    status: 200,
    headers: {
      'content-type': TYPES[extension] ?? 'application/octet-stream',
      'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(extension === '.html'
        ? { 'content-security-policy': CONTENT_SECURITY_POLICY, 'referrer-policy': 'same-origin' }
        : {}),
    },
    body,
  };
}

/** The file below the folder, or undefined for the root and for paths that lead out of it. */
function resolveInside(folder: string, requestPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(requestPath);
  } catch {
    return undefined;
  }
  if (decoded === '/' || decoded.includes('\0')) return undefined;
  const file = path.join(folder, decoded);
  return file.startsWith(folder + path.sep) ? file : undefined;
}

async function readIfFile(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
