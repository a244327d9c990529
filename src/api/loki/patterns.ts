/** /loki/api/v1/patterns: patterns of the lines of a selector, mined when asked. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { LokiContext } from './context.ts';
import { success } from './json.ts';
import { parseLogParam, parseRange, parseStep, running } from './params.ts';
import { PatternMiner } from './pattern-miner.ts';

/** Patterns that an answer has at most. */
const MAX_PATTERNS = 300;

export function patternRoutes(context: LokiContext): Route[] {
  return [
    {
      methods: ['GET', 'POST'],
      path: '/loki/api/v1/patterns',
      handler: (request) => patterns(context, request),
    },
  ];
}

async function patterns(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const range = parseRange(params, context.now());
  const stepNs = parseStep(params, range);
  const expr = parseLogParam(params);
  const miner = new PatternMiner(Number(stepNs / 1_000_000_000n));
  const entries = context.engine.entries(
    expr,
    {
      tenant: request.tenant,
      ...range,
      direction: 'backward',
      limit: context.limits.maxSampleLines,
      intervalNs: 0n,
    },
    { nowNs: BigInt(Math.floor(context.now())) * 1_000_000n, signal: request.signal },
  );
  await running(params, async () => {
    for await (const { line, timeNs } of entries) miner.add(line, Number(timeNs / 1_000_000_000n));
  });
  return success(
    miner
      .patterns()
      .slice(0, MAX_PATTERNS)
      .map(({ pattern, samples }) => ({ pattern, samples })),
  );
}
