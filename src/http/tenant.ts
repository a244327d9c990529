/** The tenant of a request. */

import { HttpError } from './handler.ts';

/** The tenant of requests that name none. Loki, Mimir and Tempo use a reserved name as well. */
export const DEFAULT_TENANT = 'default';
const MAX_TENANT_LENGTH = 150;
const TENANT = /^[A-Za-z0-9!\-_.*'()]+$/;

/** Reads X-Scope-OrgID (upstream's rules for characters and length). Throws HttpError 400. */
export function tenantOf(header: string | undefined): string {
  if (header === undefined || header === '') return DEFAULT_TENANT;
  if (header.length > MAX_TENANT_LENGTH) {
    throw new HttpError(400, `the tenant in X-Scope-OrgID is longer than ${MAX_TENANT_LENGTH} characters`);
  }
  if (header === '.' || header === '..' || !TENANT.test(header)) {
    throw new HttpError(
      400,
      `the tenant "${header}" in X-Scope-OrgID has a character that is not allowed (letters, digits and !-_.*'() are)`,
    );
  }
  return header;
}
