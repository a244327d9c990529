// TraceQL in the editor: Grafana's grammar, highlighting, and completion from Trivium's Tempo API.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { LRLanguage } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { parser } from '@grafana/lezer-traceql';
import { styleTags, tags } from '@lezer/highlight';
import { searchTags, tagValues } from '../api/tempo.ts';
import { quoteLiteral } from '../app/links.ts';
import type { ResolvedRange } from '../time/range.ts';
import { cached } from './label-cache.ts';
import type { RangeSource } from './logql.ts';
import { type TraceqlContext, traceqlContext } from './traceql-context.ts';

const highlighting = styleTags({
  'LineComment BlockComment': tags.comment,
  'AttributeField/... IntrinsicField/...': tags.labelName,
  'Parent Resource Span Event Link Instrumentation Identifier': tags.labelName,
  String: tags.string,
  'Integer Float Duration': tags.number,
  'Aggregate MetricsOperationBasicType/... MetricsOverTimeType/... MetricsAggregatorFunctionType/...':
    tags.function(tags.variableName),
  'GroupOperation SelectOperation CoalesceOperation With': tags.keyword,
  'FieldOp ComparisonOp ScalarOp And Or Gt Lt Desc Anc Pipe ExperimentalOp UnionStructuralOp': tags.operator,
});

const language = LRLanguage.define({
  parser: parser.configure({ props: [highlighting] }),
  languageData: { closeBrackets: { brackets: ['(', '{', '"', '`'] }, commentTokens: { line: '//' } },
});

const intrinsics: readonly (readonly [string, string])[] = [
  ['name', 'span name'],
  ['duration', 'span duration'],
  ['status', 'ok, error, unset'],
  ['statusMessage', 'text of the status'],
  ['kind', 'server, client, producer, consumer, internal'],
  ['rootName', "name of the trace's root span"],
  ['rootServiceName', "service of the trace's root span"],
  ['traceDuration', 'duration of the whole trace'],
  ['childCount', 'number of child spans'],
  ['event:name', 'event name'],
  ['trace:id', 'trace id'],
  ['span:id', 'span id'],
];

const scopes = ['resource.', 'span.', 'event.', 'link.', 'instrumentation.'].map((label) => ({
  label,
  type: 'namespace',
  detail: 'scope',
}));

const pipeline: readonly Completion[] = [
  ...(
    [
      ['rate', 'spans per second', 'rate()'],
      ['count_over_time', 'spans per step', 'count_over_time()'],
      ['quantile_over_time', 'quantiles', 'quantile_over_time(duration, .95)'],
      ['histogram_over_time', 'distribution', 'histogram_over_time(duration)'],
      ['avg_over_time', 'mean per step', 'avg_over_time(duration)'],
      ['min_over_time', 'minimum per step', 'min_over_time(duration)'],
      ['max_over_time', 'maximum per step', 'max_over_time(duration)'],
      ['sum_over_time', 'sum per step', 'sum_over_time(duration)'],
      ['compare', 'what differs', 'compare({status = error})'],
      ['topk', 'largest series', 'topk(10)'],
      ['bottomk', 'smallest series', 'bottomk(10)'],
      ['count', 'spans of a trace', 'count() > '],
      ['avg', 'mean of a spanset', 'avg(duration) > '],
      ['max', 'maximum of a spanset', 'max(duration) > '],
      ['min', 'minimum of a spanset', 'min(duration) > '],
      ['sum', 'sum of a spanset', 'sum(duration) > '],
    ] as const
  ).map(([label, detail, apply]) => ({ label, detail, apply, type: 'function' })),
  { label: 'by', detail: 'group', apply: 'by(', type: 'keyword' },
  { label: 'select', detail: 'further attributes', apply: 'select(', type: 'keyword' },
  { label: 'coalesce', detail: 'one spanset', apply: 'coalesce()', type: 'keyword' },
];

const operators = ['=', '!=', '=~', '!~', '>', '>=', '<', '<=', '&&', '||'].map((label) => ({
  label,
  type: 'operator',
}));

const fixedValues: Readonly<Record<string, readonly string[]>> = {
  status: ['ok', 'error', 'unset'],
  'span:status': ['ok', 'error', 'unset'],
  kind: ['server', 'client', 'producer', 'consumer', 'internal', 'unspecified'],
  'span:kind': ['server', 'client', 'producer', 'consumer', 'internal', 'unspecified'],
  duration: ['10ms', '100ms', '500ms', '1s', '5s'],
  traceDuration: ['100ms', '500ms', '1s', '5s', '10s'],
  'trace:duration': ['100ms', '500ms', '1s', '5s', '10s'],
};

async function attributeOptions(scope: string | null, range: ResolvedRange): Promise<Completion[]> {
  const found = await cached('traceql tags', () => searchTags(range), []);
  const out: Completion[] = [];
  for (const { name, tags: names } of found) {
    if (name === 'intrinsic' || (scope !== null && name !== scope)) continue;
    for (const tag of names) {
      // Names with other characters are written in quotes.
      const plain = /^[\w.\-/]+$/.test(tag);
      out.push({ label: `${name}.${plain ? tag : quoteLiteral(tag)}`, type: 'property', detail: name });
    }
  }
  if (scope !== null) return out;
  return [...intrinsics.map(([label, detail]) => ({ label, detail, type: 'variable' })), ...scopes, ...out];
}

async function valueOptions(attribute: string, quoted: boolean, range: ResolvedRange): Promise<Completion[]> {
  const fixed = fixedValues[attribute];
  if (fixed) return quoted ? [] : fixed.map((label) => ({ label, type: 'enum' }));
  const key = `traceql values ${attribute}`;
  const values = await cached(key, () => tagValues({ tag: attribute, ...range }), []);
  return values.map(({ type, value }) => {
    const text = type === 'string' || type === undefined;
    const literal = quoteLiteral(value);
    return {
      label: value,
      type: text ? 'text' : 'constant',
      apply: !text ? value : quoted ? literal.slice(1, -1) : literal,
    };
  });
}

async function optionsFor(context: TraceqlContext, range: ResolvedRange): Promise<readonly Completion[]> {
  switch (context.kind) {
    case 'attribute':
      return attributeOptions(context.scope, range);
    case 'operator':
      return operators;
    case 'value':
      return valueOptions(context.attribute, context.quoted, range);
    case 'pipeline':
      return pipeline;
    case 'start':
      return [{ label: '{ }', type: 'keyword', detail: 'spans', apply: '{  }' }];
    default:
      return [];
  }
}

export function traceql(range: RangeSource): Extension {
  const source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const what = traceqlContext(context.state.sliceDoc(0, context.pos));
    if (what.kind === 'none') return null;
    if ((what.kind === 'start' || what.kind === 'operator') && !context.explicit) return null;
    const options = await optionsFor(what, range());
    if (options.length === 0) return null;
    const validFor = what.kind === 'value' && what.quoted ? /^[^"`]*$/ : /^[\w.:/-]*$/;
    return { from: what.from, options: [...options], validFor };
  };
  return [language, language.data.of({ autocomplete: source })];
}
