/** Matchers: one test of one label. Evaluation of regular expressions is given by the caller (RE2 semantics). */

export type MatchOp = '=' | '!=' | '=~' | '!~';

/** Tests one label. A missing label has the value ''. Regular expressions are anchored at both ends, RE2 syntax. */
export interface Matcher {
  readonly name: string;
  readonly op: MatchOp;
  readonly value: string;
}
