/** A test reporter that is quiet about what passes: failures in full, one line per file, the runner's closing lines. */
import path from 'node:path';
import type { TestEvent } from 'node:test/reporters';

interface Failure {
  readonly name: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly error: unknown;
}

/** For `--test-reporter`. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: Failure[] = [];
  const closing: string[] = [];
  const perFile = new Map<string, { passed: number; failed: number; ms: number }>();
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event;
      const file = data.file === undefined ? '?' : path.relative(process.cwd(), data.file);
      const count = perFile.get(file) ?? { passed: 0, failed: 0, ms: 0 };
      perFile.set(file, count);
      if (event.type === 'test:pass') count.passed++;
      else count.failed++;
      if (data.nesting === 0) count.ms += data.details.duration_ms;
      if (event.type === 'test:fail') {
        const { error } = event.data.details;
        // A suite fails because of its tests; those are reported by themselves.
        if ((error as { failureType?: string }).failureType === 'subtestsFailed') continue;
        failures.push({ name: data.name, file: data.file, line: data.line, error: error.cause ?? error });
        yield `✖ ${file}: ${data.name}\n`;
      }
    } else if (
      event.type === 'test:diagnostic' &&
      event.data.nesting === 0 &&
      event.data.file === undefined
    ) {
      closing.push(event.data.message);
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const file = path.relative(process.cwd(), event.data.file);
      const { counts } = event.data;
      yield `${event.data.success ? '✔' : '✖'} ${file} (${counts.passed}/${counts.tests}, ${(event.data.duration_ms / 1000).toFixed(1)} s)\n`;
    }
  }
  for (const { name, file, line, error } of failures) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const where = file === undefined ? '' : ` (${path.relative(process.cwd(), file)}:${line})`;
    yield `\n✖ ${name}${where}\n${stack.replace(/^/gm, '    ')}\n`;
  }
  yield `\n${closing.map((line) => `ℹ ${line}`).join('\n')}\n`;
}
