/** `trivium check KIND FILE...`: says whether configuration files can be used, and where they cannot. */

import { ConfigError, formatDiagnostic } from '../config/diagnostics.ts';
import { loadPrometheusConfig } from './prometheus.ts';

/** Kinds of files, each with how one is checked: gives a summary, or throws ConfigError. */
const KINDS: Readonly<Record<string, (file: string, warn: (line: string) => void) => string>> = {
  config(file, warn) {
    const { config } = loadPrometheusConfig({ file }, warn);
    const { scrapeConfigs, ruleFiles, remoteWrite } = config;
    return `valid prometheus.yml: ${scrapeConfigs.length} scrape jobs, ${ruleFiles.length} rule file patterns, ${remoteWrite.length} remote writes`;
  },
};

export const CHECK_KINDS = Object.keys(KINDS);

/** Checks all files and gives the exit status: 0 when all can be used, 1 when one cannot. */
export function checkFiles(kind: string, files: readonly string[], write: (line: string) => void): number {
  const check = KINDS[kind];
  if (check === undefined) throw new RangeError(`no such kind: ${kind}`);
  let status = 0;
  for (const file of files) {
    try {
      write(`${file}: ${check(file, write)}`);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const diagnostic of error.diagnostics) write(formatDiagnostic(diagnostic));
      status = 1;
    }
  }
  return status;
}
