// How far apart the points of a chart lie, from its width; and the variables of dashboards that
// depend on it, so that queries copied from one work as they are. Pure.
import { formatDurationParam } from '../time/range.ts';

const niceSteps = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200,
  86_400, 172_800, 604_800,
].map((seconds) => seconds * 1000);

/** Pixels between two points: closer ones cannot be told apart with a mouse. */
const pixelsPerPoint = 4;

/** Distance of points in ms (whole seconds) for a range drawn `widthPx` wide. */
export function chooseStepMs(rangeMs: number, widthPx: number, pxPerPoint = pixelsPerPoint): number {
  const points = Math.max(20, Math.floor(widthPx / pxPerPoint));
  const wanted = rangeMs / points;
  return niceSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000;
}

/** Start of the grid: steps count from 1970, so that a reload moves no point. */
export function alignDown(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}

const scrapeMs = 15_000;

/** Replaces `$__interval`, `$__rate_interval`, `$__range`, `$__auto` and their `_ms`/`_s` forms. */
export function interpolate(query: string, range: { stepMs: number; rangeMs: number }): string {
  const rateMs = Math.max(range.stepMs + scrapeMs, 4 * scrapeMs);
  const values: Record<string, string> = {
    __interval: formatDurationParam(range.stepMs),
    __interval_ms: String(range.stepMs),
    __auto: formatDurationParam(range.stepMs),
    __rate_interval: formatDurationParam(rateMs),
    __rate_interval_ms: String(rateMs),
    __range: formatDurationParam(Math.round(range.rangeMs / 1000) * 1000),
    __range_s: String(Math.round(range.rangeMs / 1000)),
    __range_ms: String(Math.round(range.rangeMs)),
  };
  return query.replace(/\$(?:\{(__\w+)\}|(__\w+))/g, (whole, braced?: string, plain?: string) => {
    return values[braced ?? plain ?? ''] ?? whole;
  });
}
