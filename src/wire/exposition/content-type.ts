/** Which parser a page wants, by its Content-Type and what the configuration falls back to. */

import { InputError } from '../../model/errors.ts';
import { quoteText } from './go-text.ts';

export const EXPOSITION_FORMATS = ['text', 'openmetrics', 'protobuf'] as const;
export type ExpositionFormat = (typeof EXPOSITION_FORMATS)[number];

const BY_MEDIA_TYPE: Readonly<Record<string, ExpositionFormat>> = {
  'text/plain': 'text',
  'application/openmetrics-text': 'openmetrics',
  'application/vnd.google.protobuf': 'protobuf',
};

/** Throws InputError, in Prometheus's words, when the type is unknown and there is no fallback. */
export function formatOf(contentType: string, fallback: ExpositionFormat | undefined): ExpositionFormat {
  const media = (contentType.split(';')[0] as string).trim().toLowerCase();
  const known = BY_MEDIA_TYPE[media];
  if (known !== undefined) return known;
  if (fallback !== undefined) return fallback;
  if (contentType.trim() === '') {
    throw new InputError(
      'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target',
    );
  }
  if (!/^[!-.0-~]+\/[!-.0-~]+$/.test(media)) {
    throw new InputError(
      `cannot parse Content-Type ${quoteText(contentType)} and no fallback_scrape_protocol for target`,
    );
  }
  throw new InputError(
    `received unsupported Content-Type ${quoteText(contentType)} and no fallback_scrape_protocol specified for target`,
  );
}
