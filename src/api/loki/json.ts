/** Loki's JSON: results and statistics as text, written without an object per value. */

import type { HttpResponse } from '../../http/handler.ts';
import type { Labels } from '../../model/labels.ts';
import type { QueryStats } from '../../query/logql/context.ts';
import type { LogStream, MetricResult, MetricSeries } from '../../query/logql/engine.ts';
import { formatPlain } from '../../query/syntax/numbers.ts';

const JSON_HEADERS = { 'content-type': 'application/json; charset=UTF-8' };

export function json(value: unknown): HttpResponse {
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

export function success(data: unknown): HttpResponse {
  return json({ status: 'success', data });
}

/** Entries per piece of a streamed answer. */
const PIECE = 500;

export function labelsJson(labels: Labels): string {
  let out = '{';
  for (let i = 0; i < labels.names.length; i++) {
    if (i > 0) out += ',';
    out += `${JSON.stringify(labels.names[i])}:${JSON.stringify(labels.values[i])}`;
  }
  return `${out}}`;
}

function secondsText(ms: number): string {
  return ms % 1000 === 0 ? String(ms / 1000) : (ms / 1000).toFixed(3);
}

function statsJson(stats: QueryStats, elapsedMs: number, returned: number): string {
  const seconds = Math.max(elapsedMs / 1000, 1e-6);
  const store = {
    totalChunksRef: 0,
    totalChunksDownloaded: 0,
    chunksDownloadTime: 0,
    queryReferencedStructuredMetadata: false,
    chunk: {
      headChunkBytes: 0,
      headChunkLines: 0,
      decompressedBytes: stats.bytes,
      decompressedLines: stats.lines,
      compressedBytes: 0,
      totalDuplicates: 0,
      postFilterLines: stats.kept,
      headChunkStructuredMetadataBytes: 0,
      decompressedStructuredMetadataBytes: 0,
    },
    chunkRefsFetchTime: 0,
    congestionControlLatency: 0,
    pipelineWrapperFilteredLines: 0,
  };
  const nothing = { ...store, chunk: Object.fromEntries(Object.keys(store.chunk).map((key) => [key, 0])) };
  return JSON.stringify({
    summary: {
      bytesProcessedPerSecond: Math.round(stats.bytes / seconds),
      linesProcessedPerSecond: Math.round(stats.lines / seconds),
      totalBytesProcessed: stats.bytes,
      totalLinesProcessed: stats.lines,
      execTime: elapsedMs / 1000,
      queueTime: 0,
      subqueries: 0,
      totalEntriesReturned: returned,
      splits: 0,
      shards: 0,
      totalPostFilterLines: stats.kept,
      totalStructuredMetadataBytesProcessed: 0,
    },
    querier: { store },
    ingester: {
      totalReached: 0,
      totalChunksMatched: 0,
      totalBatches: 0,
      totalLinesSent: 0,
      store: nothing,
    },
    cache: {},
    index: { totalChunks: 0, postFilterChunks: 0, shardsDuration: 0 },
  });
}

function* streamsBody(streams: readonly LogStream[], categorize: boolean, tail: string): Generator<string> {
  yield `{"status":"success","data":{"resultType":"streams",${
    categorize ? '"encodingFlags":["categorize-labels"],' : ''
  }"result":[`;
  let out = '';
  let count = 0;
  for (let s = 0; s < streams.length; s++) {
    const { labels, entries } = streams[s] as LogStream;
    out += `${s > 0 ? ',' : ''}{"stream":${labelsJson(labels)},"values":[`;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as LogStream['entries'][number];
      out += `${i > 0 ? ',' : ''}["${entry.timeNs}",${JSON.stringify(entry.line)}`;
      if (categorize) {
        const parts: string[] = [];
        if (entry.metadata.size > 0) parts.push(`"structuredMetadata":${labelsJson(entry.metadata)}`);
        if (entry.parsed.size > 0) parts.push(`"parsed":${labelsJson(entry.parsed)}`);
        out += `,{${parts.join(',')}}`;
      }
      out += ']';
      if (++count % PIECE === 0) {
        yield out;
        out = '';
      }
    }
    out += ']}';
  }
  yield `${out}],"stats":${tail}}}`;
}

export function streamsAnswer(
  streams: readonly LogStream[],
  stats: QueryStats,
  elapsedMs: number,
  categorize: boolean,
): HttpResponse {
  const returned = streams.reduce((n, stream) => n + stream.entries.length, 0);
  const pieces = streamsBody(streams, categorize, statsJson(stats, elapsedMs, returned));
  if (returned <= PIECE) return { status: 200, headers: JSON_HEADERS, body: [...pieces].join('') };
  const body = (async function* () {
    yield* pieces;
  })();
  return { status: 200, headers: JSON_HEADERS, body };
}

function sampleJson(ms: number, value: number): string {
  return `[${secondsText(ms)},"${formatPlain(value)}"]`;
}

function seriesJson(series: MetricSeries, isVector: boolean): string {
  const metric = `{"metric":${labelsJson(series.labels)},`;
  if (isVector)
    return `${metric}"value":${sampleJson(series.timesMs[0] as number, series.values[0] as number)}}`;
  let points = '';
  for (let i = 0; i < series.timesMs.length; i++) {
    if (i > 0) points += ',';
    points += sampleJson(series.timesMs[i] as number, series.values[i] as number);
  }
  return `${metric}"values":[${points}]}`;
}

/**
 * The time that Loki shows with a scalar: it takes nanoseconds for milliseconds and overflows. Nobody reads it, but an
 * answer must be equal to Loki's.
 */
function scalarTime(timeNs: bigint): string {
  return String(BigInt.asIntN(64, timeNs * 1000n) / 1_000_000n);
}

export function metricAnswer(result: MetricResult, timeNs: bigint, elapsedMs: number): HttpResponse {
  let text: string;
  let count = 1;
  if (result.kind === 'scalar') text = `[${scalarTime(timeNs)},"${formatPlain(result.value)}"]`;
  else {
    const isVector = result.kind === 'vector';
    count = result.series.length;
    text = `[${result.series.map((series) => seriesJson(series, isVector)).join(',')}]`;
  }
  const stats = statsJson(result.stats, elapsedMs, count);
  return {
    status: 200,
    headers: JSON_HEADERS,
    body: `{"status":"success","data":{"resultType":"${result.kind}","result":${text},"stats":${stats}}}`,
  };
}

/** A vector (one time) or a matrix of volumes. */
export function volumeAnswer(
  kind: 'vector' | 'matrix',
  series: readonly { metric: Record<string, string>; points: readonly [ms: number, value: number][] }[],
  stats: QueryStats,
  elapsedMs: number,
): HttpResponse {
  const one = ({ metric, points }: (typeof series)[number]): string => {
    const samples = points.map(([ms, value]) => sampleJson(ms, value));
    const values = kind === 'vector' ? `"value":${samples[0]}` : `"values":[${samples.join(',')}]`;
    return `{"metric":${JSON.stringify(metric)},${values}}`;
  };
  return {
    status: 200,
    headers: JSON_HEADERS,
    body: `{"status":"success","data":{"resultType":"${kind}","result":[${series
      .map(one)
      .join(',')}],"stats":${statsJson(stats, elapsedMs, series.length)}}}`,
  };
}
