/** Random TraceQL queries by the grammar, of the fields that random traces have. They need not pass the type checks. */

import {
  EVENT_KEYS,
  LINK_KEYS,
  NAMES,
  type Random,
  RESOURCE_KEYS,
  SCOPE_KEYS,
  SERVICES,
  SPAN_KEYS,
} from './random.ts';

const INTRINSICS = [
  'name',
  'duration',
  'status',
  'kind',
  'statusMessage',
  'rootName',
  'rootServiceName',
  'traceDuration',
  'nestedSetParent',
  'nestedSetLeft',
  'span:childCount',
  'trace:id',
  'span:id',
  'span:parentID',
  'event:name',
  'event:timeSinceStart',
  'link:traceID',
  'instrumentation:name',
  'instrumentation:version',
];
const STRUCTURAL = [
  '&&',
  '||',
  '>',
  '>>',
  '<',
  '<<',
  '~',
  '!>',
  '!>>',
  '!<',
  '!<<',
  '!~',
  '&>',
  '&>>',
  '&<',
  '&<<',
  '&~',
];
const COMPARISONS = ['=', '!=', '<', '<=', '>', '>='];

const quoted = (name: string): string => (/^[\w.]+$/.test(name) ? name : JSON.stringify(name));

export function randomField(random: Random): string {
  return random.pick([
    () => `span.${quoted(random.pick(SPAN_KEYS))}`,
    () => `resource.${quoted(random.pick(['service.name', ...RESOURCE_KEYS]))}`,
    () => `.${quoted(random.pick([...SPAN_KEYS, ...RESOURCE_KEYS]))}`,
    () => `event.${random.pick(EVENT_KEYS)}`,
    () => `link.${random.pick(LINK_KEYS)}`,
    () => `instrumentation.${random.pick(SCOPE_KEYS)}`,
    () => random.pick(INTRINSICS),
  ])();
}

function literal(random: Random): string {
  return random.pick([
    () =>
      JSON.stringify(
        random.pick([...NAMES, ...SERVICES, '5', 'eco', 'eu-central', 'exception', '0.7.0', 'shop-db']),
      ),
    () => random.pick(['0', '5', '6', '200', '-7', '1', '-1']),
    () => random.pick(['5.0', '5.5', '-7.25', '450.5', '.5']),
    () => random.pick(['true', 'false']),
    () => random.pick(['1s', '500ms', '1ns', '0s', '1.5s']),
    () => random.pick(['ok', 'error', 'unset']),
    () => random.pick(['server', 'client', 'internal', 'unspecified']),
  ])();
}

/** A comparison whose sides go together, most of the time. */
function comparison(random: Random): string {
  return random.pick([
    () =>
      `${random.pick(['name', 'rootName'])} ${random.pick(['=', '!='])} ${JSON.stringify(random.pick(NAMES))}`,
    () =>
      `${random.pick(['name', 'rootName', 'span.region', '.region'])} ${random.pick(['=~', '!~'])} "${random.pick(['GET.*', '(?i)POST.*', '.*e.*', 'eu-.*|eco', ''])}"`,
    () => `resource.service.name ${random.pick(['=', '!='])} ${JSON.stringify(random.pick(SERVICES))}`,
    () => `rootServiceName ${random.pick(['=', '!='])} ${JSON.stringify(random.pick([...SERVICES, '']))}`,
    () => `duration ${random.pick(COMPARISONS)} ${random.pick(['1s', '1ms', '0s', '1ns', '500ms'])}`,
    () => `status ${random.pick(['=', '!='])} ${random.pick(['ok', 'error', 'unset'])}`,
    () => `kind ${random.pick(['=', '!='])} ${random.pick(['server', 'client', 'internal', 'unspecified'])}`,
    () =>
      `span.mixed.value ${random.pick(COMPARISONS)} ${random.pick(['5', '5.0', '"5"', '""', '0', '-7', 'nil'])}`,
    () => `span.mixed.value ${random.pick(['=', '!='])} ${random.pick(['true', 'false', 'nil', '"eco"'])}`,
    () => `.region ${random.pick(['=', '!='])} ${random.pick(['"eco"', '5', '"eu-central"', 'nil'])}`,
    () =>
      `${random.pick(['event:name', 'instrumentation:name'])} ${random.pick(['=', '!='])} ${random.pick(['"exception"', '"shop-db"', '""'])}`,
    () => `event.n ${random.pick(COMPARISONS)} ${random.pick(['5', '0', '5.0'])}`,
    () => `link.link.index ${random.pick(COMPARISONS)} ${random.pick(['5', '0'])}`,
    () => `instrumentation.pool.size ${random.pick(COMPARISONS)} ${random.pick(['5', '12'])}`,
    () => `nestedSetParent ${random.pick(['< 0', '= -1', '> 0', '= 0'])}`,
    () => `${randomField(random)} ${random.pick(COMPARISONS)} ${randomField(random)}`,
    () => `${randomField(random)} ${random.pick(COMPARISONS)} ${literal(random)}`,
    () => `${literal(random)} ${random.pick(COMPARISONS)} ${randomField(random)}`,
    () =>
      `${randomField(random)} * 2 ${random.pick(COMPARISONS)} ${random.pick(['10', '5.5', 'traceDuration / 2'])}`,
    () => random.pick(['true', 'false', 'span.mixed.value', '!span.mixed.value']),
  ])();
}

export function randomFilterExpr(random: Random, depth: number): string {
  if (depth === 0 || random.chance(0.4)) return comparison(random);
  const left = randomFilterExpr(random, depth - 1);
  const right = randomFilterExpr(random, depth - 1);
  const both = `${left} ${random.pick(['&&', '&&', '||'])} ${right}`;
  return random.chance(0.3) ? `(${both})` : both;
}

function spansets(random: Random, depth: number): string {
  if (depth === 0 || random.chance(0.6))
    return `{ ${random.chance(0.1) ? '' : randomFilterExpr(random, 2)} }`;
  const both = `${spansets(random, depth - 1)} ${random.pick(STRUCTURAL)} ${spansets(random, depth - 1)}`;
  return random.chance(0.3) ? `(${both})` : both;
}

function stage(random: Random): string {
  return random.pick([
    () => `count() ${random.pick(COMPARISONS)} ${random.below(4)}`,
    () =>
      `${random.pick(['avg', 'min', 'max', 'sum'])}(duration) ${random.pick(COMPARISONS)} ${random.pick(['1s', '1ms'])}`,
    () => `${random.pick(['avg', 'min', 'max', 'sum'])}(span.mixed.value) > ${random.pick(['0', '5.0'])}`,
    () => `by(${randomField(random)})`,
    () => 'coalesce()',
    () => `select(${randomField(random)}, ${randomField(random)})`,
    () => spansets(random, 1),
  ])();
}

export function randomSearch(random: Random): string {
  let query = spansets(random, 2);
  while (random.chance(0.3)) query += ` | ${stage(random)}`;
  return query;
}

export function randomMetrics(random: Random): string {
  const source = random.chance(0.7)
    ? `{ ${random.chance(0.2) ? '' : randomFilterExpr(random, 1)} }`
    : randomSearch(random);
  const field = random.pick(['duration', 'span.mixed.value', 'span.cart.items', 'traceDuration', 'event.n']);
  const func = random.pick([
    'rate()',
    'count_over_time()',
    `min_over_time(${field})`,
    `max_over_time(${field})`,
    `avg_over_time(${field})`,
    `sum_over_time(${field})`,
    `quantile_over_time(${field}, .5, .99)`,
    `histogram_over_time(${field})`,
  ]);
  const by = Array.from({ length: random.below(3) }, () => randomField(random));
  const grouped = by.length === 0 ? func : `${func} by (${by.join(', ')})`;
  const second = random.pick(['', '', '', ' | topk(2)', ' | bottomk(1)', ' > 1']);
  return `${source} | ${grouped}${second}`;
}
