// The demo's faults: `GET /api/demo/faults`, `POST /api/demo/faults/:id`. Absent unless the demo runs.
import { ApiError, getJson, postJson, type RequestOptions } from './http.ts';

export interface Fault {
  id: string;
  title: string;
  description: string;
  enabled: boolean;
}

export async function fetchFaults(options: RequestOptions = {}): Promise<readonly Fault[]> {
  const body = await getJson('/api/demo/faults', {}, options);
  const list = Array.isArray(body) ? body : (body as { faults?: unknown } | null)?.faults;
  if (!Array.isArray(list)) throw new ApiError('The demo answered without a list of faults.', 200, 'shape');
  return list as Fault[];
}

export async function setFault(id: string, enabled: boolean, options: RequestOptions = {}): Promise<void> {
  await postJson(`/api/demo/faults/${encodeURIComponent(id)}`, { enabled }, options);
}
