/** All targets of one job: keeps the running loops in step with what discovery finds. */

import type { Labels } from '../../model/labels.ts';
import { resolveTarget, scrapeOffsetMs, type TargetGroup, type TargetIdentity } from './target.ts';
import { type LoopDeps, TargetLoop } from './target-loop.ts';

export interface PoolDeps extends Omit<LoopDeps, 'onFailure'> {
  readonly targetRelabel: (labels: Labels) => Labels | undefined;
  readonly onFailure: LoopDeps['onFailure'];
  readonly onInvalidTarget: (job: string, error: string) => void;
  /** Whether any job scrapes a target with these public labels (their key). */
  readonly isScraped: (publicKey: string) => boolean;
}

export class ScrapePool {
  readonly #deps: PoolDeps;
  readonly #loops = new Map<string, TargetLoop>();
  /** Keys of the public labels of the loops. */
  readonly #publicKeys = new Set<string>();
  /** Ends of removed targets that are not written yet. */
  readonly #endings = new Set<{ cancel(): void }>();
  #abandoned = false;
  dropped: Labels[] = [];
  droppedCount = 0;
  /** Set when there are more targets than the job's limit: none is scraped then, and all say why. */
  #overLimit: string | undefined;
  #refused: TargetLoop[] = [];

  constructor(deps: PoolDeps) {
    this.#deps = deps;
  }

  get config() {
    return this.#deps.config;
  }

  get targets(): TargetLoop[] {
    return this.#overLimit === undefined ? [...this.#loops.values()] : this.#refused;
  }

  /** Makes the running loops those of the given groups. `former`: what `handOver` of the replaced pool gave. */
  sync(groups: Iterable<TargetGroup>, former?: Map<string, TargetLoop>): void {
    const { config, metrics, targetRelabel } = this.#deps;
    const job = config.jobName;
    const wanted = new Map<string, TargetIdentity>();
    this.dropped = [];
    this.droppedCount = 0;
    const keep = config.limits.keptDroppedTargets;
    for (const { labels, targets } of groups) {
      for (const own of targets) {
        const resolved = resolveTarget(config, targetRelabel, labels, own);
        if (resolved.kind === 'target') wanted.set(resolved.target.key, resolved.target);
        else if (resolved.kind === 'dropped') {
          this.droppedCount++;
          if (keep === 0 || this.dropped.length < keep) this.dropped.push(resolved.discovered);
        } else {
          metrics.add('prometheus_target_sync_failed_total', 1, { scrape_job: job });
          this.#deps.onInvalidTarget(job, resolved.error);
        }
      }
    }
    metrics.add('prometheus_target_scrape_pool_sync_total', 1, { scrape_job: job });
    metrics.set('prometheus_target_scrape_pool_targets', wanted.size, { scrape_job: job });
    metrics.set('prometheus_target_scrape_pool_target_limit', config.limits.targets, { scrape_job: job });
    const limit = config.limits.targets;
    if (limit > 0 && wanted.size > limit) {
      metrics.add('prometheus_target_scrape_pool_exceeded_target_limit_total', 1);
      this.#overLimit = `target_limit exceeded (number of targets: ${wanted.size}, limit: ${limit})`;
    } else this.#overLimit = undefined;
    this.#refused = [];
    for (const [key, loop] of this.#loops) {
      if (this.#overLimit === undefined && wanted.has(key)) continue;
      this.#loops.delete(key);
      this.#publicKeys.delete(loop.identity.publicLabels.key);
      void this.#remove(loop);
    }
    for (const [key, identity] of wanted) {
      if (this.#loops.has(key)) continue;
      const loop = new TargetLoop(identity, this.#deps);
      if (this.#overLimit !== undefined) {
        loop.health = 'down';
        loop.lastError = this.#overLimit;
        this.#refused.push(loop);
        continue;
      }
      const before = former?.get(key);
      if (before !== undefined) {
        loop.memory.adopt(before.memory);
        former?.delete(key);
      }
      this.#add(key, loop);
      loop.start(this.#firstDelayMs(identity));
    }
    for (const loop of former?.values() ?? []) void this.#remove(loop);
  }

  /** Time until the target's place in its interval comes round. */
  #firstDelayMs({ key, intervalMs }: TargetIdentity): number {
    const nowMs = this.#deps.clock.now();
    const offset = scrapeOffsetMs(key, intervalMs);
    return (intervalMs - (nowMs % intervalMs) + offset) % intervalMs;
  }

  #add(key: string, loop: TargetLoop): void {
    this.#loops.set(key, loop);
    this.#publicKeys.add(loop.identity.publicLabels.key);
  }

  scrapes(publicKey: string): boolean {
    return this.#publicKeys.has(publicKey);
  }

  /** Gives up all loops to the pool that replaces this one. They stop; their series do not end. */
  handOver(): Map<string, TargetLoop> {
    const loops = new Map(this.#loops);
    this.#loops.clear();
    this.#publicKeys.clear();
    for (const loop of loops.values()) void loop.stop();
    return loops;
  }

  /**
   * A target that is gone: its series end, but only after a while, because it often comes back under a new address or
   * after a moment. The markers bear the time of the first scrape that did not take place.
   */
  async #remove(loop: TargetLoop): Promise<void> {
    const { clock, sink, extraReport } = this.#deps;
    const { intervalMs, publicLabels } = loop.identity;
    const endMs = Math.round(Math.max(loop.lastScrapeMs + intervalMs, clock.now()));
    await loop.stop();
    if (loop.lastScrapeMs === 0 || this.#abandoned) return;
    const ending = clock.after(intervalMs * 2.1, () => {
      this.#endings.delete(ending);
      if (this.#deps.isScraped(publicLabels.key)) return;
      sink.writeMetrics(loop.memory.end(endMs, extraReport)).catch((error: unknown) => {
        this.#deps.onFailure(loop.identity, `end of series was not stored: ${String(error)}`);
      });
    });
    this.#endings.add(ending);
  }

  /** How many removed targets wait for the end of their series. */
  get pendingEndings(): number {
    return this.#endings.size;
  }

  /** The program ends: series that wait for their end keep it open, because a restart may go on with them. */
  abandonEndings(): void {
    this.#abandoned = true;
    for (const ending of this.#endings) ending.cancel();
    this.#endings.clear();
  }

  /** Stops all. `removed`: the job is gone from the configuration, so its series end. */
  async stop(removed: boolean): Promise<void> {
    const loops = [...this.#loops.values()];
    this.#loops.clear();
    this.#publicKeys.clear();
    this.#overLimit = undefined;
    this.#refused = [];
    if (!removed) {
      this.abandonEndings();
      await Promise.all(loops.map((loop) => loop.stop()));
    } else await Promise.all(loops.map((loop) => this.#remove(loop)));
    this.#deps.fetcher.close();
  }
}
