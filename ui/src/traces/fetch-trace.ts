/**
 * Asks for a trace by id (Tempo API v2, which says when a trace is partial) and decodes the answer.
 * An unknown trace is an answer, not an error.
 */

import { ApiError, getJson, type RequestOptions } from '../api/http.ts';
import { tempoBase } from '../api/tempo.ts';
import type { DecodedTrace } from './model.ts';
import { decodeTrace } from './otlp-decode.ts';

export const traceUrl = (traceId: string): string => `${tempoBase}/v2/traces/${encodeURIComponent(traceId)}`;

/** No spans = unknown here (v2 answers 200 with an empty trace; some versions 404). */
export async function fetchTrace(traceId: string, options: RequestOptions = {}): Promise<DecodedTrace> {
  let json: unknown;
  try {
    json = await getJson(traceUrl(traceId), {}, options);
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'not-found')
      return { spans: [], partial: false, message: error.message };
    throw error;
  }
  return json === null ? { spans: [], partial: false, message: '' } : decodeTrace(json);
}
