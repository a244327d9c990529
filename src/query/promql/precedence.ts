/** How strongly PromQL's operators bind. */

/** Operators by precedence, lowest first. `^` binds to the right. */
export const PRECEDENCE: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '<': 3,
  '>=': 3,
  '<=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};
export const POWER = 6;
/** A sign binds like a multiplication. */
export const UNARY = 5;
