/** Functions on single values: arithmetic, trigonometry, rounding, clamping; scalars and vectors of each other. */

import { Labels } from '../../../model/labels.ts';
import { FLOAT, newSeries, timeAt } from '../../vector/series.ts';
import { mapFloats, type PromqlFunction, scalarArg, type VectorFunction, vectorArg } from './function.ts';

/** The least normal number. */
const MIN_NORMAL = 2 ** -1022;

function isSubnormal(v: number): boolean {
  return v > 0 && v < MIN_NORMAL;
}

/** ln as Prometheus has it on amd64, where the fraction of a subnormal number is taken as if it were a normal one. */
function naturalLog(v: number): number {
  return isSubnormal(v) ? Math.log((1 + v / MIN_NORMAL) / 2) - 1022 * Math.LN2 : Math.log(v);
}

const SIMPLE: Readonly<Record<string, (v: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: naturalLog,
  log2: Math.log2,
  log10: (v) => (isSubnormal(v) ? naturalLog(v) / Math.LN10 : Math.log10(v)),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  rad: (v) => (v * Math.PI) / 180,
  deg: (v) => (v * 180) / Math.PI,
  sgn: (v) => (v < 0 ? -1 : v > 0 ? 1 : v),
};

function simple(name: string, apply: (v: number) => number): VectorFunction {
  return { kind: 'vector', name, evaluate: (call) => mapFloats(call, vectorArg(call, 0), apply) };
}

/** Clamps; where the bounds cross there is no result. */
function clamp(name: string, lowArg: number | undefined, highArg: number | undefined): VectorFunction {
  return {
    kind: 'vector',
    name,
    evaluate: (call) => {
      const { points } = call.grid;
      const low = lowArg === undefined ? undefined : scalarArg(call, lowArg);
      const high = highArg === undefined ? undefined : scalarArg(call, highArg);
      let input = vectorArg(call, 0);
      const lowAt = (i: number): number => low?.[i] ?? Number.NEGATIVE_INFINITY;
      const highAt = (i: number): number => high?.[i] ?? Number.POSITIVE_INFINITY;
      let crosses = false;
      for (let i = 0; i < points; i++) crosses ||= highAt(i) < lowAt(i);
      if (crosses) {
        input = input.map((series) => ({
          ...series,
          kinds: series.kinds.map((kind, i) => (highAt(i) < lowAt(i) ? 0 : kind)),
        }));
      }
      return mapFloats(call, input, (v, i) => Math.max(lowAt(i), Math.min(highAt(i), v)));
    },
  };
}

export const mathFunctions: readonly PromqlFunction[] = [
  ...Object.entries(SIMPLE).map(([name, apply]) => simple(name, apply)),
  clamp('clamp', 1, 2),
  clamp('clamp_min', 1, undefined),
  clamp('clamp_max', undefined, 1),
  {
    kind: 'vector',
    name: 'round',
    evaluate: (call) => {
      const nearest = call.args.length > 1 ? scalarArg(call, 1) : undefined;
      return mapFloats(call, vectorArg(call, 0), (v, i) => {
        // Multiplying by the inverse gives fewer rounding errors. Ties go up.
        const inverse = 1 / (nearest?.[i] ?? 1);
        return Math.floor(v * inverse + 0.5) / inverse;
      });
    },
  },
  {
    kind: 'scalar',
    name: 'scalar',
    evaluate: (call) => {
      const { points } = call.grid;
      const out = new Float64Array(points).fill(Number.NaN);
      const found = new Uint8Array(points);
      for (const series of vectorArg(call, 0)) {
        for (let i = 0; i < points; i++) {
          if (series.kinds[i] !== FLOAT) continue;
          out[i] = found[i] === 1 ? Number.NaN : (series.values[i] as number);
          found[i] = 1;
        }
      }
      return out;
    },
  },
  {
    kind: 'scalar',
    name: 'time',
    evaluate: ({ grid }) => Float64Array.from({ length: grid.points }, (_, i) => timeAt(grid, i) / 1000),
  },
  { kind: 'scalar', name: 'pi', evaluate: ({ grid }) => new Float64Array(grid.points).fill(Math.PI) },
  {
    kind: 'vector',
    name: 'vector',
    evaluate: (call) => {
      const out = newSeries(Labels.EMPTY, call.grid.points);
      out.kinds.fill(FLOAT);
      return [{ ...out, values: scalarArg(call, 0) }];
    },
  },
  {
    kind: 'vector',
    name: 'timestamp',
    evaluate: (call) => {
      // Of a selector the engine takes the samples' own times; anything else has the evaluation time.
      const timed = vectorArg(call, 0).map((series) => ({
        ...series,
        kinds: series.kinds.map((kind) => (kind === 0 ? 0 : FLOAT)),
        histograms: undefined,
      }));
      return mapFloats(call, timed, (_, i) => timeAt(call.grid, i) / 1000);
    },
  },
];
