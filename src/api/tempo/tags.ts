/** Names and values of tags, in the first version of the API (plain lists) and the second (by scope, with types). */

import type { HttpRequest, Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import type { AttributeScope } from '../../model/select-spans.ts';
import type { Field } from '../../query/traceql/ast.ts';
import { parseFieldName } from '../../query/traceql/parse.ts';
import { compareText, formatStatic, type Static } from '../../query/traceql/static.ts';
import { filterOf, INTRINSIC_TAGS, type TagOptions, tagNames, tagValues } from '../../query/traceql/tags.ts';
import { json, type TempoContext } from './index.ts';
import { typedValueJson } from './json.ts';
import { invalid, optionalRange, sinceRange, wholeNumber } from './params.ts';

const NS_PER_MS = 1_000_000n;
const AHEAD_MS = 86_400_000;
const SCOPES = new Set<string>(['span', 'resource', 'event', 'link', 'instrumentation']);
const metrics = { completedJobs: 1, totalJobs: 1 };

type Wanted = 'all' | 'intrinsic' | AttributeScope;

function wantedScope(query: URLSearchParams): Wanted {
  const scope = query.get('scope') ?? '';
  if (scope === '' || scope === 'none') return 'all';
  if (scope === 'intrinsic' || SCOPES.has(scope)) return scope as Wanted;
  throw invalid(`invalid scope: ${scope}`);
}

/** Fields of the first version's tags, which have no scope: some have names of their own. */
function legacyField(tag: string): Field {
  const attribute = { kind: 'attribute', scope: 'none', name: tag, position: 0 } as const;
  switch (tag) {
    case 'name':
      return { kind: 'intrinsic', name: 'name', position: 0 };
    case 'root.name':
      return { kind: 'intrinsic', name: 'rootName', position: 0 };
    case 'root.service.name':
      return { kind: 'intrinsic', name: 'rootServiceName', position: 0 };
    case 'status.code':
      return { kind: 'intrinsic', name: 'status', position: 0 };
    default:
      return attribute;
  }
}

const sortValues = (values: readonly Static[]): Static[] =>
  [...values].sort(
    (a, b) => compareText(a.type, b.type) || compareText(formatStatic(a, false), formatStatic(b, false)),
  );

export function tagRoutes({ source, limits, now }: TempoContext): Route[] {
  const options = (request: HttpRequest): TagOptions => {
    const { query } = request;
    const endNs = BigInt(Math.floor(now()) + AHEAD_MS) * NS_PER_MS;
    const range = optionalRange(query) ?? sinceRange(query, now()) ?? { startNs: 0n, endNs };
    const asked = wholeNumber(query, 'limit', 0, 0, Number.MAX_SAFE_INTEGER);
    return {
      tenant: request.tenant,
      ...range,
      limit: asked === 0 ? limits.maxTags : Math.min(asked, limits.maxTags),
    };
  };
  const names = async (request: HttpRequest) => {
    const wanted = wantedScope(request.query);
    const settings = options(request);
    const scopes: { name: string; tags: string[] }[] = [];
    if (wanted !== 'intrinsic') {
      const filter = filterOf(request.query.get('q') ?? undefined);
      const found = await tagNames(
        source,
        filter,
        wanted === 'all' ? undefined : wanted,
        settings,
        request.signal,
      );
      scopes.push(...found.map(({ scope, names: tags }) => ({ name: scope, tags })));
    }
    return { wanted, scopes };
  };
  return [
    {
      methods: ['GET'],
      path: '/api/search/tags',
      handler: async (request) => {
        const { wanted, scopes } = await names(request);
        const all = new Set(wanted === 'intrinsic' ? INTRINSIC_TAGS : scopes.flatMap(({ tags }) => tags));
        return json({ tagNames: [...all].sort(compareText), metrics });
      },
    },
    {
      methods: ['GET'],
      path: '/api/v2/search/tags',
      handler: async (request) => {
        const { wanted, scopes } = await names(request);
        if (wanted === 'all' || wanted === 'intrinsic')
          scopes.push({ name: 'intrinsic', tags: [...INTRINSIC_TAGS] });
        return json({ scopes, metrics });
      },
    },
    {
      methods: ['GET'],
      path: '/api/search/tag/:name/values',
      handler: async (request) => {
        const field = legacyField(request.pathParams.name ?? '');
        const found = await tagValues(source, field, undefined, options(request), request.signal);
        const values = new Set(found.map((value) => formatStatic(value, false)));
        return json({ tagValues: [...values].sort(compareText), metrics });
      },
    },
    {
      methods: ['GET'],
      path: '/api/v2/search/tag/:name/values',
      handler: async (request) => {
        const name = request.pathParams.name ?? '';
        let field: Field;
        try {
          field = parseFieldName(name);
        } catch (error) {
          if (error instanceof InputError) throw invalid(`tag name is not valid: ${error.message}`);
          throw error;
        }
        const filter = filterOf(request.query.get('q') ?? undefined);
        const found = await tagValues(source, field, filter, options(request), request.signal);
        return json({ tagValues: sortValues(found).map(typedValueJson), metrics });
      },
    },
  ];
}
