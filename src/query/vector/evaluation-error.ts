/** A query that is well formed but cannot be evaluated on the data that are there (many-to-many matching, ...). */

export class EvaluationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EvaluationError';
  }
}
