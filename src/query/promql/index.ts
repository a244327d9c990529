/** What other rooms use of PromQL. */

export type { Expr } from './ast.ts';
export { QueryCanceledError, QueryTimeoutError } from './budget.ts';
export { PromqlEngine, type QueryData, type QueryRequest, type QueryResult } from './engine.ts';
export type { EngineOptions } from './options.ts';
export { type ParseOptions, parseExpr, parseMetricSelector } from './parser.ts';
export { labelsText, matcherText, prettyExpr, printExpr } from './printer.ts';
