/** LogQL trees as text: on one line (canonical), or laid out over several lines as format_query answers. */

import type { Matcher } from '../../model/matcher.ts';
import { formatDuration, formatGoDuration } from '../syntax/durations.ts';
import { formatPlain } from '../syntax/numbers.ts';
import { quote } from '../syntax/strings.ts';
import type {
  BinaryExpr,
  GroupingExpr,
  LabelExtraction,
  LabelFilter,
  LogExpr,
  LogQLExpr,
  MetricExpr,
  NamedLabel,
  RangeExpr,
  StageExpr,
  UnwrapExpr,
} from './ast.ts';

/** Queries up to this length stay on one line when laid out. */
const LINE_LENGTH = 100;

/** The query on one line. Parsing it again gives the same tree. */
export function printLogQL(expr: LogQLExpr): string {
  return expr.kind === 'log' ? printLog(expr) : printMetric(expr);
}

export function printMatcher(matcher: Matcher): string {
  return `${matcher.name}${matcher.op}${quote(matcher.value)}`;
}

export function printMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(printMatcher).join(', ')}}`;
}

function printLog(expr: LogExpr): string {
  return [printMatchers(expr.matchers), ...expr.stages.map(printStage)].join(' ');
}

/** A duration in a query. */
export function printDuration(ns: bigint): string {
  return ns % 1_000_000n === 0n ? formatDuration(Number(ns / 1_000_000n)) : formatGoDuration(ns);
}

function printExtractions(list: readonly LabelExtraction[]): string {
  if (list.length === 0) return '';
  const one = (e: LabelExtraction): string =>
    e.name === e.expression ? e.name : `${e.name}=${quote(e.expression)}`;
  return ` ${list.map(one).join(', ')}`;
}

function printNamed(label: NamedLabel): string {
  return label.matcher === undefined ? label.name : printMatcher(label.matcher);
}

export function printStage(stage: StageExpr): string {
  switch (stage.kind) {
    case 'line-filter':
      return `${stage.operator} ${stage.matches
        .map((m) => (m.isIp ? `ip(${quote(m.text)})` : quote(m.text)))
        .join(' or ')}`;
    case 'json':
      return `| json${printExtractions(stage.extractions)}`;
    case 'logfmt': {
      const flags = (stage.strict ? ' --strict' : '') + (stage.keepEmpty ? ' --keep-empty' : '');
      return `| logfmt${flags}${printExtractions(stage.extractions)}`;
    }
    case 'pattern':
    case 'regexp':
      return `| ${stage.kind} ${quote(stage.text)}`;
    case 'unpack':
    case 'decolorize':
      return `| ${stage.kind}`;
    case 'label-filter':
      return `| ${printLabelFilter(stage.filter)}`;
    case 'line-format':
      return `| line_format ${quote(stage.template)}`;
    case 'label-format':
      return `| label_format ${stage.formats
        .map((f) => `${f.name}=${f.kind === 'rename' ? f.from : quote(f.template)}`)
        .join(', ')}`;
    case 'drop':
    case 'keep':
      return `| ${stage.kind} ${stage.labels.map(printNamed).join(', ')}`;
  }
}

function printLabelFilter(filter: LabelFilter, inside?: 'and' | 'or'): string {
  switch (filter.kind) {
    case 'string':
      return printMatcher(filter.matcher);
    case 'number':
      return `${filter.name}${filter.sign}${formatPlain(filter.value)}`;
    case 'duration':
      return `${filter.name}${filter.sign}${formatGoDuration(filter.value)}`;
    case 'bytes':
      return `${filter.name}${filter.sign}${filter.text}`;
    case 'ip':
      return `${filter.name}${filter.negate ? '!=' : '='}ip(${quote(filter.text)})`;
    default: {
      const left = printLabelFilter(filter.left, filter.kind);
      // The grammar binds to the left: a chain on the right keeps its parentheses.
      const right = printLabelFilter(filter.right, 'and');
      const isChain = filter.right.kind === 'and' || filter.right.kind === 'or';
      const wrapped = isChain && !right.startsWith('(') ? `(${right})` : right;
      const text = `${left} ${filter.kind} ${wrapped}`;
      return inside === 'and' && filter.kind === 'or' ? `(${text})` : text;
    }
  }
}

function printUnwrap(unwrap: UnwrapExpr): string {
  const label = unwrap.conversion === undefined ? unwrap.label : `${unwrap.conversion}(${unwrap.label})`;
  return [`| unwrap ${label}`, ...unwrap.filters.map((f) => `| ${printLabelFilter(f)}`)].join(' ');
}

function printGrouping(grouping: GroupingExpr | undefined): string {
  if (grouping === undefined) return '';
  return `${grouping.without ? 'without' : 'by'} (${grouping.labels.join(', ')})`;
}

function printRange(expr: RangeExpr): string {
  const parts = [printLog(expr.log)];
  if (expr.unwrap !== undefined) parts.push(printUnwrap(expr.unwrap));
  parts.push(`[${printDuration(expr.rangeNs)}]`);
  if (expr.offsetNs !== 0n) {
    const sign = expr.offsetNs < 0n ? '-' : '';
    parts.push(`offset ${sign}${printDuration(expr.offsetNs < 0n ? -expr.offsetNs : expr.offsetNs)}`);
  }
  const parameter = expr.parameter === undefined ? '' : `${formatPlain(expr.parameter)}, `;
  const grouping = expr.grouping === undefined ? '' : ` ${printGrouping(expr.grouping)}`;
  return `${expr.operation}(${parameter}${parts.join(' ')})${grouping}`;
}

const RANK: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '>=': 3,
  '<': 3,
  '<=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  '^': 6,
};

function printOperator(expr: BinaryExpr): string {
  const { matching } = expr;
  let text = expr.operator + (expr.returnBool ? ' bool' : '');
  if (matching !== undefined) {
    text += ` ${matching.on ? 'on' : 'ignoring'} (${matching.labels.join(', ')})`;
    if (matching.group !== undefined) text += ` group_${matching.group} (${matching.include.join(', ')})`;
  }
  return text;
}

/** Whether a leg of a binary operation needs parentheses. */
function needsParentheses(parent: BinaryExpr, leg: MetricExpr, isRight: boolean): boolean {
  if (leg.kind === 'number') return leg.value < 0 && parent.operator === '^' && !isRight;
  if (leg.kind !== 'binary') return false;
  const own = RANK[leg.operator] as number;
  const outer = RANK[parent.operator] as number;
  if (own !== outer) return own < outer;
  return parent.operator === '^' ? !isRight : isRight;
}

function printMetric(expr: MetricExpr): string {
  switch (expr.kind) {
    case 'number':
      return formatPlain(expr.value);
    case 'vector':
      return `vector(${formatPlain(expr.value)})`;
    case 'range':
      return printRange(expr);
    case 'aggregate': {
      const parameter = expr.parameter === undefined ? '' : `${formatPlain(expr.parameter)}, `;
      const grouping = expr.grouping === undefined ? '' : ` ${printGrouping(expr.grouping)} `;
      return `${expr.operation}${grouping}(${parameter}${printMetric(expr.inner)})`;
    }
    case 'label-replace': {
      const rest = [expr.target, expr.replacement, expr.source, expr.regex].map(quote).join(', ');
      return `label_replace(${printMetric(expr.inner)}, ${rest})`;
    }
    case 'binary': {
      const leg = (side: MetricExpr, isRight: boolean): string =>
        needsParentheses(expr, side, isRight) ? `(${printMetric(side)})` : printMetric(side);
      return `${leg(expr.left, false)} ${printOperator(expr)} ${leg(expr.right, true)}`;
    }
  }
}

/** The query laid out for reading: what does not fit on a line is indented by two spaces a level. */
export function formatLogQL(expr: LogQLExpr): string {
  return layOut(expr, 0);
}

function layOut(expr: LogQLExpr, level: number): string {
  const pad = '  '.repeat(level);
  const line = printLogQL(expr);
  if (pad.length + line.length <= LINE_LENGTH) return pad + line;
  const inner = '  '.repeat(level + 1);
  switch (expr.kind) {
    case 'log':
      return [pad + printMatchers(expr.matchers), ...expr.stages.map((s) => inner + printStage(s))].join(
        '\n',
      );
    case 'range': {
      const deeper = '  '.repeat(level + 2);
      const lines = [`${pad}${expr.operation}(`];
      if (expr.parameter !== undefined) lines.push(`${inner}${formatPlain(expr.parameter)},`);
      lines.push(inner + printMatchers(expr.log.matchers));
      for (const stage of expr.log.stages) lines.push(deeper + printStage(stage));
      if (expr.unwrap !== undefined) lines.push(deeper + printUnwrap(expr.unwrap));
      const offset =
        expr.offsetNs === 0n
          ? ''
          : ` offset ${expr.offsetNs < 0n ? '-' : ''}${printDuration(expr.offsetNs < 0n ? -expr.offsetNs : expr.offsetNs)}`;
      lines[lines.length - 1] += ` [${printDuration(expr.rangeNs)}]${offset}`;
      lines.push(`${pad})${expr.grouping === undefined ? '' : ` ${printGrouping(expr.grouping)}`}`);
      return lines.join('\n');
    }
    case 'aggregate': {
      const grouping = expr.grouping === undefined ? '' : ` ${printGrouping(expr.grouping)} `;
      const lines = [`${pad}${expr.operation}${grouping}(`];
      if (expr.parameter !== undefined) lines.push(`${inner}${formatPlain(expr.parameter)},`);
      lines.push(layOut(expr.inner, level + 1), `${pad})`);
      return lines.join('\n');
    }
    case 'label-replace': {
      const rest = [expr.target, expr.replacement, expr.source, expr.regex].map((t) => inner + quote(t));
      return `${pad}label_replace(\n${layOut(expr.inner, level + 1)},\n${rest.join(',\n')}\n${pad})`;
    }
    case 'binary': {
      const leg = (side: MetricExpr, isRight: boolean): string =>
        needsParentheses(expr, side, isRight)
          ? `${inner}(\n${layOut(side, level + 2)}\n${inner})`
          : layOut(side, level + 1);
      return `${leg(expr.left, false)}\n${pad}${printOperator(expr)}\n${leg(expr.right, true)}`;
    }
    default:
      return pad + line;
  }
}
