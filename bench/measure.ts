/** What the operating system says about a process and its children, and pushes that wait for their answer. */
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';

/** Resident memory of a process and all its descendants, in bytes. */
export function treeResidentBytes(pid: number): number {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
    } catch {
      // It ended while we looked.
    }
  }
  let total = 0;
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    open.push(...(parents.get(next) ?? []));
    try {
      total += Number(readFileSync(`/proc/${next}/statm`, 'utf8').split(' ')[1]) * 4096;
    } catch {
      // Likewise.
    }
  }
  return total;
}

/** Samples a figure until it is stopped; gives the largest. */
export function peak(read: () => number): { stop(): number } {
  let largest = read();
  const timer = setInterval(() => {
    largest = Math.max(largest, read());
  }, 200);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(largest, read());
    },
  };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });

/** Pushes a body; waits for the answer; retries what the server asks to be retried. Gives the times it was refused. */
export async function push(url: string, body: Buffer): Promise<number> {
  for (let refused = 0; ; refused++) {
    const { status, retryAfterS, text } = await new Promise<{
      status: number;
      retryAfterS: number;
      text: string;
    }>((resolve, reject) => {
      const request = http.request(
        url,
        {
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/x-protobuf', 'content-length': body.length },
        },
        async (response) => {
          let text = '';
          for await (const chunk of response) text += chunk;
          resolve({
            status: response.statusCode ?? 0,
            retryAfterS: Number(response.headers['retry-after'] ?? '0'),
            text,
          });
        },
      );
      request.once('error', reject);
      request.end(body);
    });
    if (status === 200) return refused;
    if (status !== 429 && status !== 503) throw new Error(`${url} answered ${status}: ${text.slice(0, 300)}`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(50, retryAfterS * 1000)));
  }
}
