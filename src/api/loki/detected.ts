/** detected_fields, detected_field values, detected_labels: what a sample of lines shows. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import { FROM_LINE, LineLabels, StreamLabels } from '../../query/logql/line-labels.ts';
import { ParserHints } from '../../query/logql/parser-hints.ts';
import { compileJson } from '../../query/logql/stages/json.ts';
import { compileLogfmt } from '../../query/logql/stages/logfmt.ts';
import { OPEN_GATE } from '../../query/logql/stages/stage.ts';
import { parseBytes } from '../../query/logql/units.ts';
import { parseGoDuration } from '../../query/syntax/durations.ts';
import { parseGoFloat } from '../../query/syntax/numbers.ts';
import type { LokiContext } from './context.ts';
import { json } from './json.ts';
import { parseBounds, parseLimit, parseLogParam, parseRange, parseSelectorText, running } from './params.ts';

const DEFAULT_LINES = 100;
const DEFAULT_FIELDS = 1000;

export function detectedRoutes(context: LokiContext): Route[] {
  const methods = ['GET', 'POST'];
  return [
    { methods, path: '/loki/api/v1/detected_fields', handler: (request) => fields(context, request) },
    {
      methods,
      path: '/loki/api/v1/detected_field/:name/values',
      handler: (request) => fieldValues(context, request),
    },
    { methods, path: '/loki/api/v1/detected_labels', handler: (request) => detectedLabels(context, request) },
  ];
}

type FieldType = 'string' | 'int' | 'float' | 'boolean' | 'duration' | 'bytes';

interface Field {
  type: FieldType;
  readonly values: Set<string>;
  readonly parsers: Set<string>;
}

function typeOf(value: string): FieldType {
  if (/^[+-]?\d+$/.test(value)) {
    const number = BigInt(value);
    if (BigInt.asIntN(64, number) === number) return 'int';
  }
  if (parseGoFloat(value) !== undefined) return 'float';
  if (/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)) return 'boolean';
  if (parseGoDuration(value) !== undefined) return 'duration';
  if (parseBytes(value) !== undefined) return 'bytes';
  return 'string';
}

/** Fields of the newest lines: structured metadata, what the query's parsers found, and the lines as JSON or logfmt. */
async function sampleFields(
  context: LokiContext,
  request: HttpRequest,
  params: URLSearchParams,
  maxFields: number,
): Promise<Map<string, Field>> {
  const bounds = parseRange(params, context.now());
  const lineLimit = Math.min(parseLimit(params, DEFAULT_LINES, 'line_limit'), context.limits.maxSampleLines);
  const expr = parseLogParam(params);
  const { streams } = await running(params, () =>
    context.engine.streams(
      expr,
      { tenant: request.tenant, ...bounds, direction: 'backward', limit: lineLimit, intervalNs: 0n },
      { nowNs: BigInt(Math.floor(context.now())) * 1_000_000n, signal: request.signal, categorize: true },
    ),
  );
  const found = new Map<string, Field>();
  const note = (name: string, value: string, parser: string | undefined): void => {
    let field = found.get(name);
    if (field === undefined) {
      if (found.size >= maxFields) return;
      field = { type: 'string', values: new Set(), parsers: new Set() };
      found.set(name, field);
    }
    // The last value decides.
    field.type = typeOf(value);
    field.values.add(value);
    if (parser !== undefined) field.parsers.add(parser);
  };
  const labels = new LineLabels(ParserHints.all());
  const parseJson = compileJson(OPEN_GATE);
  const parseLogfmt = compileLogfmt({ strict: false, keepEmpty: false }, OPEN_GATE);
  for (const { labels: stream, entries } of streams) {
    const base = new StreamLabels(stream);
    for (const { line, metadata, parsed } of entries) {
      for (const [name, value] of metadata.entries()) note(name, value, undefined);
      labels.reset(base, undefined, 0n);
      let parser = 'json';
      parseJson(line, labels);
      if (labels.hasError) {
        labels.reset(base, undefined, 0n);
        parser = 'logfmt';
        parseLogfmt(line, labels);
      }
      for (const [name, value] of parsed.entries()) {
        if (!name.startsWith('__')) note(name, value, parser);
      }
      for (const [name, value, category] of labels.entries()) {
        if (category === FROM_LINE) note(name, value, parser);
      }
    }
  }
  return found;
}

async function fields(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const limit = parseLimit(params, DEFAULT_FIELDS);
  const found = await sampleFields(context, request, params, limit);
  const list = [...found].map(([label, { type, values, parsers }]) => ({
    label,
    type,
    cardinality: values.size,
    parsers: parsers.size === 0 ? null : [...parsers].sort(),
  }));
  return json({ fields: list, limit });
}

async function fieldValues(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const limit = parseLimit(params, DEFAULT_FIELDS);
  const found = await sampleFields(context, request, params, Number.POSITIVE_INFINITY);
  const values = found.get(request.pathParams.name as string)?.values ?? new Set<string>();
  return json({ values: [...values].slice(0, limit), limit });
}

/** Labels that are worth a filter even when all their values look like ids. */
const ALWAYS: ReadonlySet<string> = new Set(['cluster', 'namespace', 'instance', 'pod']);
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

async function detectedLabels(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const bounds = parseBounds(params, context.now());
  const matchers = parseSelectorText(params.get('query'));
  const streams = await context.source.streams(
    { tenant: request.tenant, matcherSets: matchers.length === 0 ? [] : [matchers], ...bounds },
    request.signal,
  );
  const values = new Map<string, Set<string>>();
  for (const stream of streams) {
    for (const [name, value] of stream.entries()) {
      const set = values.get(name) ?? new Set();
      set.add(value);
      values.set(name, set);
    }
  }
  const list: { label: string; cardinality: number }[] = [];
  for (const [label, set] of values) {
    const areIds = [...set].every((value) => parseGoFloat(value) !== undefined || UUID.test(value));
    if (ALWAYS.has(label) || !areIds) list.push({ label, cardinality: set.size });
  }
  return json({ detectedLabels: list });
}
