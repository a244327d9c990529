// The duration of requests over time with exemplars: where a walk from metric to trace begins.
import { useMemo } from 'react';
import { queryExemplars, queryRange } from '../api/prometheus.ts';
import { useRequest } from '../api/use-request.ts';
import { exploreHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { Chart, seriesColorVar } from '../charts/chart.tsx';
import { largestSeries, matrixToColumns } from '../charts/columns.ts';
import { DotKey } from '../charts/dot-layer.tsx';
import { toDots } from '../charts/exemplars.ts';
import { alignDown, chooseStepMs, interpolate } from '../charts/step.ts';
import { guessPromqlUnit } from '../charts/units.ts';
import { Notice, Skeleton } from '../design/states.tsx';
import { useWidth } from '../design/use-width.ts';
import { absoluteRange } from '../time/range.ts';
import { useTime } from '../time/time-context.tsx';
import { type LatencySource, latencyQuery } from './latency.ts';

const height = 200;

export default function LatencyPanel({ source }: { source: LatencySource }) {
  const { range, raw, tick, setRange } = useTime();
  const [box, width] = useWidth<HTMLDivElement>(1000);
  const stepMs = chooseStepMs(range.toMs - range.fromMs, width);
  const fromMs = alignDown(range.fromMs, stepMs);
  const { toMs } = range;
  const query = latencyQuery(source);
  const text = interpolate(query, { stepMs, rangeMs: toMs - range.fromMs });
  const options = { tick, keep: true };
  const series = useRequest(
    `latency\n${text}\n${fromMs}\n${toMs}\n${stepMs}`,
    (signal) => queryRange({ query: text, fromMs, toMs, stepMs }, { signal }),
    options,
  );
  const exemplars = useRequest(
    `exemplars\n${text}\n${fromMs}\n${toMs}`,
    (signal) => queryExemplars({ query: text, fromMs, toMs }, { signal }),
    options,
  );
  const data = series.data?.data;
  const columns = useMemo(
    () =>
      data?.resultType === 'matrix'
        ? largestSeries(matrixToColumns(data.result, stepMs / 1000), 24)
        : undefined,
    [data, stepMs],
  );
  const dots = useMemo(() => toDots(exemplars.data ?? []), [exemplars.data]);
  return (
    <section className="panel" aria-label="Request duration">
      <div className="panel-header">
        <h2>Request duration, p95</h2>
        <DotKey dots={dots} />
        <div className="spacer" />
        <Link href={exploreHref({ lang: 'promql', q: query, from: raw.from, to: raw.to })}>Explore</Link>
      </div>
      <div className="panel-body latency" ref={box}>
        {series.error ? (
          <Notice kind="warn">Durations could not be read: {series.error.message}</Notice>
        ) : !columns ? (
          <Skeleton height={height} />
        ) : (
          <>
            <Chart
              columns={columns}
              range={range}
              unit={guessPromqlUnit(query)}
              height={height}
              dots={dots}
              dotsOnAxis
              stepSeconds={stepMs / 1000}
              onZoom={(next) => setRange(absoluteRange(next))}
              label="p95 of request durations by service"
            />
            <div className="latency-legend">
              {columns.series.map((one, i) => (
                <span key={one.name} className="truncate" title={one.name}>
                  <i style={{ background: `var(${seriesColorVar(i)})` }} /> {one.labels.job ?? one.name}
                </span>
              ))}
            </div>
          </>
        )}
      </div>
    </section>
  );
}
