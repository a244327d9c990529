/** Looking up a trace by its id: /api/traces/:id (v1) and /api/v2/traces/:id, as JSON or protobuf. */

import { HttpError, type HttpRequest, type HttpResponse, type Route } from '../../http/handler.ts';
import type { Span } from '../../model/select-spans.ts';
import { splitSharedIds } from '../../query/traceql/shared-ids.ts';
import { withoutDuplicates } from '../../query/traceql/trace-node.ts';
import { encodeTrace, groupSpans, writeResourceSpans } from '../../wire/otlp/trace-encode.ts';
import { ProtobufWriter } from '../../wire/protobuf.ts';
import { json, type TempoContext } from './index.ts';
import { resourceSpansJson } from './json.ts';
import { invalid, optionalRange, parseTraceId } from './params.ts';

/** Where Tempo would look; here everything is in one place. */
const MODES = new Set(['ingesters', 'blocks', 'all', 'recent', 'external', 'none']);

const wantsProtobuf = (request: HttpRequest): boolean =>
  /application\/(x-)?protobuf/.test(request.headers.accept ?? '');

const protobuf = (body: Uint8Array): HttpResponse => ({
  status: 200,
  headers: { 'content-type': 'application/protobuf' },
  body,
});

/** `message TraceByIDResponse { Trace trace = 1; }` */
function encodeResponse(spans: readonly Span[]): Uint8Array {
  const writer = new ProtobufWriter(4096);
  writer.message(1, () => writeResourceSpans(writer, 1, groupSpans(spans)));
  return writer.finish();
}

export function traceRoutes({ source }: TempoContext): Route[] {
  const lookUp = async (request: HttpRequest): Promise<readonly Span[]> => {
    const traceId = parseTraceId(request.pathParams.id ?? '');
    const mode = request.query.get('mode') ?? '';
    if (mode !== '' && !MODES.has(mode)) throw invalid(`invalid value for mode ${mode}`);
    const range = optionalRange(request.query);
    const spans = await source.trace(request.tenant, traceId, range, request.signal);
    return splitSharedIds(withoutDuplicates(spans));
  };
  return [
    {
      methods: ['GET'],
      path: '/api/traces/:id',
      handler: async (request) => {
        const spans = await lookUp(request);
        if (spans.length === 0) throw new HttpError(404, 'trace not found');
        return wantsProtobuf(request)
          ? protobuf(encodeTrace(spans))
          : json({ batches: resourceSpansJson(spans) });
      },
    },
    {
      methods: ['GET'],
      path: '/api/v2/traces/:id',
      handler: async (request) => {
        const spans = await lookUp(request);
        if (wantsProtobuf(request)) return protobuf(encodeResponse(spans));
        const trace = spans.length === 0 ? {} : { resourceSpans: resourceSpansJson(spans) };
        return json({ trace, metrics: {}, status: 'COMPLETE' });
      },
    },
  ];
}
