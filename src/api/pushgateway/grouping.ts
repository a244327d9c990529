/** The grouping key in a path: `job/NAME{/LABEL/VALUE}`, values in base64url behind `LABEL@base64`. */

import { InputError } from '../../model/errors.ts';
import { Labels } from '../../model/labels.ts';

const BASE64 = '@base64';
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Reads what stands behind `/metrics/`, still percent-encoded. Throws InputError. */
export function readGrouping(path: string): Labels {
  const parts = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new InputError(`malformed percent-encoding in ${JSON.stringify(part)}`);
    }
  });
  const [first, jobText] = parts;
  if ((first !== 'job' && first !== `job${BASE64}`) || jobText === undefined) {
    throw new InputError('job name is required', { hint: '/metrics/job/NAME{/LABEL/VALUE}' });
  }
  const job = first === 'job' ? jobText : decode('job', jobText);
  if (job === '') throw new InputError('job name is required');
  if (parts.length % 2 !== 0) {
    throw new InputError(
      `odd number of components in label string ${JSON.stringify(parts.slice(2).join('/'))}`,
    );
  }
  const pairs: [string, string][] = [];
  for (let i = 2; i < parts.length; i += 2) {
    const given = parts[i] as string;
    const name = given.endsWith(BASE64) ? given.slice(0, -BASE64.length) : given;
    if (!LABEL_NAME.test(name) || name.startsWith('__')) {
      throw new InputError(`improper label name ${JSON.stringify(name)}`);
    }
    const value = parts[i + 1] as string;
    pairs.push([name, name === given ? value : decode(name, value)]);
  }
  return Labels.fromPairs([...pairs, ['job', job]]);
}

/** base64url, padding or not; a lone `=` is the empty value. */
function decode(name: string, text: string): string {
  const bare = text.replace(/=+$/, '');
  const bytes = Buffer.from(bare, 'base64url');
  const value = bytes.toString('utf8');
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1 || value.includes('\ufffd')) {
    throw new InputError(`invalid base64 encoding for label ${name}=${JSON.stringify(text)}`);
  }
  return value;
}
