// LogQL in the editor: Grafana's grammar, highlighting, and completion from Trivium's Loki API.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { LRLanguage } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { parser } from '@grafana/lezer-logql';
import { styleTags, tags } from '@lezer/highlight';
import { getJson } from '../api/http.ts';
import { logLabelNames, logLabelValues, lokiBase } from '../api/loki.ts';
import { quoteLiteral } from '../app/links.ts';
import type { ResolvedRange } from '../time/range.ts';
import { cached } from './label-cache.ts';
import { type LogqlContext, logqlContext } from './logql-context.ts';

const highlighting = styleTags({
  LineComment: tags.comment,
  'Selector/Matchers/Matcher/Identifier': tags.labelName,
  Identifier: tags.labelName,
  LabelName: tags.labelName,
  ParserFlag: tags.keyword,
  String: tags.string,
  'Number Duration Bytes': tags.number,
  'By Without On Ignoring GroupLeft GroupRight Bool Offset Unwrap And Or Unless': tags.keyword,
  'Json Logfmt Unpack Pattern Regexp LabelFormat LineFormat Decolorize Drop Keep Ip': tags.keyword,
  'RangeOp/... VectorOp/... ConvOp/... LabelReplace Vector': tags.function(tags.variableName),
  'Eq Neq Re Nre Eql Gtr Gte Lss Lte PipeExact PipeMatch PipePattern Npa Pipe Add Sub Mul Div Mod Pow':
    tags.operator,
});

const language = LRLanguage.define({
  parser: parser.configure({ props: [highlighting] }),
  languageData: {
    closeBrackets: { brackets: ['(', '[', '{', '"', '`'] },
    commentTokens: { line: '#' },
  },
});

const rangeFunctions = (
  'count_over_time rate bytes_rate bytes_over_time rate_counter avg_over_time sum_over_time min_over_time ' +
  'max_over_time stddev_over_time stdvar_over_time quantile_over_time first_over_time last_over_time absent_over_time'
).split(' ');
const aggregations = 'sum avg min max count topk bottomk stddev stdvar sort sort_desc'.split(' ');

const expressions: readonly Completion[] = [
  { label: '{', type: 'keyword', detail: 'stream selector', apply: '{' },
  ...rangeFunctions.map((label) => ({ label, type: 'function', detail: 'over a range' })),
  ...aggregations.map((label) => ({ label, type: 'function', detail: 'aggregation' })),
  { label: 'label_replace', type: 'function' },
  { label: 'vector', type: 'function' },
];

const stages: readonly Completion[] = [
  { label: 'json', type: 'keyword', detail: 'parse JSON lines' },
  { label: 'logfmt', type: 'keyword', detail: 'parse key=value lines' },
  { label: 'pattern', type: 'keyword', detail: 'parse by a pattern', apply: 'pattern `<_>`' },
  { label: 'regexp', type: 'keyword', detail: 'parse by a regular expression', apply: 'regexp `(?P<name>)`' },
  { label: 'unpack', type: 'keyword', detail: 'parse packed lines' },
  { label: 'line_format', type: 'keyword', detail: 'rewrite the line', apply: 'line_format `{{.}}`' },
  { label: 'label_format', type: 'keyword', detail: 'rename or compute labels', apply: 'label_format ' },
  { label: 'decolorize', type: 'keyword', detail: 'strip colour codes' },
  { label: 'drop', type: 'keyword', detail: 'leave labels out', apply: 'drop ' },
  { label: 'keep', type: 'keyword', detail: 'keep only these labels', apply: 'keep ' },
  { label: 'unwrap', type: 'keyword', detail: 'take a field as the value', apply: 'unwrap ' },
  { label: '=', displayLabel: '|= "text"', type: 'operator', detail: 'line contains', apply: '= ""' },
  { label: '~', displayLabel: '|~ "regex"', type: 'operator', detail: 'line matches', apply: '~ ""' },
];

const operators = ['=', '!=', '=~', '!~'].map((label) => ({ label, type: 'operator' }));
const durations = ['$__auto', '1m', '5m', '10m', '30m', '1h', '1d'].map((label) => ({
  label,
  type: 'constant',
}));

export type RangeSource = () => ResolvedRange;

async function fieldNames(logQuery: string, range: ResolvedRange): Promise<readonly string[]> {
  const params = {
    query: logQuery,
    start: `${range.fromMs}000000`,
    end: `${range.toMs}000000`,
    line_limit: 200,
  };
  const body = (await getJson(`${lokiBase}/detected_fields`, params)) as {
    fields?: { label: string }[];
  } | null;
  return (body?.fields ?? []).map((field) => field.label);
}

const property = (label: string, detail: string): Completion => ({ label, type: 'property', detail });

async function optionsFor(context: LogqlContext, range: ResolvedRange): Promise<readonly Completion[]> {
  const names = (selector: string) =>
    cached(
      `logql names ${selector}`,
      () => logLabelNames({ ...range, query: selectorParam(selector) }, {}),
      [],
    );
  const fields = (logQuery: string) =>
    logQuery.startsWith('{}')
      ? Promise.resolve<readonly string[]>([])
      : cached(`logql fields ${logQuery}`, () => fieldNames(logQuery, range), []);
  switch (context.kind) {
    case 'label-name':
      return (await names(context.selector)).map((label) => property(label, 'label'));
    case 'operator':
      return operators;
    case 'label-value': {
      const { label, selector, quoted } = context;
      const key = `logql values ${label} ${selector}`;
      const values = await cached(
        key,
        () => logLabelValues(label, { ...range, query: selectorParam(selector) }, {}),
        [],
      );
      return values.map((value) => {
        const literal = quoteLiteral(value);
        return { label: value, type: 'text', apply: quoted ? literal.slice(1, -1) : literal };
      });
    }
    case 'stage': {
      const found = await fields(context.logQuery);
      return [...stages, ...found.map((label) => property(label, 'field'))];
    }
    case 'field':
      return (await fields(context.logQuery)).map((label) => property(label, 'field'));
    case 'grouping': {
      const [labels, found] = await Promise.all([names(context.selector), fields(context.logQuery)]);
      return [
        ...labels.map((label) => property(label, 'label')),
        ...found.filter((label) => !labels.includes(label)).map((label) => property(label, 'field')),
      ];
    }
    case 'duration':
      return durations;
    case 'expression':
      return expressions;
    default:
      return [];
  }
}

const selectorParam = (selector: string) => (selector === '{}' ? undefined : selector);

export function logql(range: RangeSource): Extension {
  const source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const what = logqlContext(context.state.sliceDoc(0, context.pos));
    if (what.kind === 'none') return null;
    if (what.kind === 'expression' && what.from === context.pos && !context.explicit) return null;
    const options = await optionsFor(what, range());
    if (options.length === 0) return null;
    const validFor = what.kind === 'label-value' && what.quoted ? /^[^"`]*$/ : /^[\w.$]*$/;
    return { from: what.from, options: [...options], validFor };
  };
  return [language, language.data.of({ autocomplete: source })];
}
