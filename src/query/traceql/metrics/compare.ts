/**
 * compare(): how the spans of a selection differ from the rest. Counts every value of every attribute for both, per
 * point; the most frequent values of each attribute are shown.
 */

import type { Attributes, AttributeValue } from '../../../model/select-spans.ts';
import type { FieldExpr, MetricsStage } from '../ast.ts';
import { asFieldTest, compileFilter } from '../expressions.ts';
import { printField } from '../print.ts';
import { kindStatic, NIL, type Static, staticKey, statusStatic, stringStatic } from '../static.ts';
import type { SpanNode } from '../trace-node.ts';
import { type Grid, pointIndex } from './grid.ts';
import type { MetricSeries, SeriesLabel } from './series.ts';

type CompareStage = Extract<MetricsStage, { kind: 'compare' }>;

/** Attributes that Tempo keeps in columns of their own: their absence is counted as a value, too. */
const COUNTED_WHEN_ABSENT: Readonly<Record<'span' | 'resource', readonly string[]>> = {
  span: [
    'http.method',
    'http.url',
    'http.status_code',
    'http.route',
    'http.request.method',
    'url.path',
    'url.route',
    'server.address',
  ],
  resource: ['k8s.cluster.name', 'k8s.namespace.name', 'k8s.pod.name', 'k8s.container.name'],
};
const META_LABEL = '__meta_type';
const ERROR_LABEL: SeriesLabel = { name: '__meta_error', value: stringStatic('__too_many_values__') };
const ABSENT = stringStatic('nil');

interface Counted {
  readonly value: Static;
  readonly counts: Float64Array;
  total: number;
}

class Side {
  readonly values = new Map<string, Map<string, Counted>>();
  readonly totals = new Map<string, Float64Array>();
  readonly #points: number;

  constructor(points: number) {
    this.#points = points;
  }

  add(name: string, value: Static, index: number, weight: number): void {
    let values = this.values.get(name);
    if (values === undefined) {
      values = new Map();
      this.values.set(name, values);
      this.totals.set(name, new Float64Array(this.#points));
    }
    const key = staticKey(value);
    let counted = values.get(key);
    if (counted === undefined) {
      counted = { value, counts: new Float64Array(this.#points), total: 0 };
      values.set(key, counted);
    }
    counted.counts[index] = (counted.counts[index] as number) + weight;
    counted.total += weight;
    const totals = this.totals.get(name) as Float64Array;
    totals[index] = (totals[index] as number) + weight;
  }
}

/** A value as it is counted: an array of one is its element; longer ones and what cannot be searched are nil. */
function countable(value: AttributeValue): Static {
  if (value.type === 'other') return NIL;
  if (value.type !== 'array') return value;
  const [first] = value.value;
  return first === undefined || first.type === 'other' || value.value.length > 1 ? NIL : first;
}

const attributeNames = new Map<string, string>();

function attributeName(
  scope: 'span' | 'resource' | 'event' | 'link' | 'instrumentation',
  name: string,
): string {
  const key = `${scope}.${name}`;
  let printed = attributeNames.get(key);
  if (printed === undefined) {
    printed = printField({ kind: 'attribute', scope, name, position: 0 });
    if (attributeNames.size < 10_000) attributeNames.set(key, printed);
  }
  return printed;
}

export class Comparer {
  readonly #stage: CompareStage;
  readonly #index: (timeNs: bigint) => number;
  readonly #selected: (node: SpanNode) => boolean;
  readonly #baseline: Side;
  readonly #selection: Side;
  /** Tempo reads the service's name twice when the query filters by it, and counts it twice. */
  readonly #serviceWeight: number;

  constructor(stage: CompareStage, grid: Grid, filters: readonly FieldExpr[]) {
    this.#stage = stage;
    this.#index = pointIndex(grid);
    this.#selected = compileFilter(stage.selection.expr);
    this.#baseline = new Side(grid.points);
    this.#selection = new Side(grid.points);
    this.#serviceWeight = filters.some(testsService) ? 2 : 1;
  }

  add(node: SpanNode): void {
    const { span } = node;
    const index = this.#index(span.startNs);
    if (index < 0) return;
    const { startNs, endNs } = this.#stage;
    const inWindow = endNs === 0n || (span.startNs > startNs && span.startNs <= endNs);
    const side = inWindow && this.#selected(node) ? this.#selection : this.#baseline;
    const count = (name: string, value: Static, weight = 1): void => side.add(name, value, index, weight);
    count('name', stringStatic(span.name));
    count('kind', kindStatic(span.kind));
    count('status', statusStatic(span.statusCode));
    count('statusMessage', stringStatic(span.statusMessage));
    count('rootName', stringStatic(node.trace.rootName));
    count('rootServiceName', stringStatic(node.trace.rootServiceName));
    count('instrumentation:name', stringStatic(span.scope.name));
    count('instrumentation:version', stringStatic(span.scope.version));
    const all = (
      scope: 'span' | 'resource' | 'event' | 'link' | 'instrumentation',
      attributes: Attributes,
    ): void => {
      for (const [name, value] of attributes) {
        const weight = scope === 'resource' && name === 'service.name' ? this.#serviceWeight : 1;
        count(attributeName(scope, name), countable(value), weight);
      }
    };
    all('span', span.attributes);
    all('resource', span.resource.attributes);
    all('instrumentation', span.scope.attributes);
    for (const event of span.events) {
      count('event:name', stringStatic(event.name));
      all('event', event.attributes);
    }
    for (const link of span.links) all('link', link.attributes);
    for (const name of COUNTED_WHEN_ABSENT.span) {
      if (!span.attributes.has(name)) count(attributeName('span', name), NIL);
    }
    for (const name of COUNTED_WHEN_ABSENT.resource) {
      if (!span.resource.attributes.has(name)) count(attributeName('resource', name), NIL);
    }
  }

  finish(): MetricSeries[] {
    const series: MetricSeries[] = [];
    const crowded = new Set<string>();
    const add = (labels: SeriesLabel[], values: Float64Array): void => {
      series.push({ labels, values, exemplars: [] });
    };
    const shown = (value: Static): Static => (value.type === 'nil' ? ABSENT : value);
    for (const [type, side] of [
      ['baseline', this.#baseline],
      ['selection', this.#selection],
    ] as const) {
      const meta = { name: META_LABEL, value: stringStatic(type) };
      for (const [name, values] of side.values) {
        const top = [...values.values()].sort((a, b) => b.total - a.total).slice(0, this.#stage.topN);
        if (values.size > top.length) crowded.add(name);
        for (const { value, counts } of top) add([meta, { name, value: shown(value) }], counts);
      }
      const totalMeta = { name: META_LABEL, value: stringStatic(`${type}_total`) };
      for (const [name, counts] of side.totals) add([totalMeta, { name, value: ABSENT }], counts);
    }
    for (const name of crowded) add([ERROR_LABEL, { name, value: ABSENT }], new Float64Array(0));
    return series;
  }
}

function testsService(expr: FieldExpr): boolean {
  const test = asFieldTest(expr);
  if (test !== undefined) {
    return (
      test.field.kind === 'attribute' && test.field.scope === 'resource' && test.field.name === 'service.name'
    );
  }
  return expr.kind === 'binary' && (testsService(expr.left) || testsService(expr.right));
}
