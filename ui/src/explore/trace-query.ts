// Which of Tempo's two endpoints a TraceQL query is for. Pure.

const metricsFunctions =
  /\|\s*(rate|count_over_time|min_over_time|max_over_time|avg_over_time|sum_over_time|quantile_over_time|histogram_over_time|compare)\s*\(/;

/** Whether the query ends in a metrics function, outside of strings and comments. */
export function isTraceMetricsQuery(query: string): boolean {
  const text = query
    .replace(/"(?:\\.|[^"\\])*"|`[^`]*`/g, '""')
    .replace(/\/\/[^\n]*/g, '')
    .replace(/\/\*[\s\S]*?\*\//g, '');
  return metricsFunctions.test(text);
}
