/** Scraping in simulated time: pace, staleness, limits, slow targets and storage, changes of targets and configuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OverloadedError } from '../../src/model/errors.ts';
import { Simulation, START_MS } from './simulation.ts';

const job = (extra = '', targets = "['a:1']") => `
global: {scrape_interval: 10s, scrape_timeout: 5s}
scrape_configs:
  - job_name: j
    static_configs: [{targets: ${targets}}]
    ${extra}
`;
const A = '{instance="a:1", job="j"}';

async function run(yaml: string, prepare: (s: Simulation) => void, ms: number): Promise<Simulation> {
  const simulation = new Simulation();
  prepare(simulation);
  simulation.start(yaml);
  await simulation.clock.pass(ms);
  return simulation;
}

test('a target is scraped once an interval, at the same place in it, and described by five series', async () => {
  const s = await run(
    job(),
    (sim) => sim.pages.set('a:1', { body: 'x 1\ny{l="v"} 2\n', delayMs: 250 }),
    60_000,
  );
  assert.equal(s.fetched.length, 6);
  assert.deepEqual([...new Set(s.fetched.map(({ timeMs }) => timeMs % 10_000))].length, 1);
  assert.deepEqual(s.values(`x${A}`), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(s.values(`y{instance="a:1", job="j", l="v"}`).length, 6);
  assert.deepEqual(s.values(`up${A}`), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(s.values(`scrape_duration_seconds${A}`)[0], 0.25);
  assert.deepEqual(s.values(`scrape_samples_scraped${A}`)[0], 2);
  assert.deepEqual(s.values(`scrape_samples_post_metric_relabeling${A}`)[0], 2);
  assert.deepEqual(s.values(`scrape_series_added${A}`), [2, 0, 0, 0, 0, 0]);
  assert.equal(s.target('a:1')?.health, 'up');
});

test('a series that vanishes gets one stale marker, at the time of the scrape that lacks it', async () => {
  let page = 'x 1\ny 2\n';
  const s = await run(job(), (sim) => sim.pages.set('a:1', () => ({ body: page })), 15_000);
  page = 'x 1\n';
  await s.clock.pass(30_000);
  const ys = s.values(`y${A}`);
  assert.equal(ys.filter((value) => value === 'stale').length, 1);
  assert.equal(ys.at(-1), 'stale');
  const last = s.samples.findLast(({ series }) => series === `y${A}`);
  assert.ok(s.samples.some(({ series, timeMs }) => series === `x${A}` && timeMs === last?.timeMs));
  page = 'x 1\ny 3\n';
  await s.clock.pass(10_000);
  assert.equal(s.values(`y${A}`).at(-1), 3);
});

for (const [what, page, error] of [
  ['a refused connection', undefined, 'Get "http://a:1/metrics": dial tcp: connect: connection refused'],
  [
    'a page that cannot be read',
    { body: 'good 1\nbad one\n' },
    'strconv.ParseFloat: parsing "one": invalid syntax while parsing: "bad one"',
  ],
  [
    'a status',
    { error: 'server returned HTTP status 500 Internal Server Error' },
    'server returned HTTP status 500 Internal Server Error',
  ],
  [
    'a target that hangs',
    { delayMs: Number.POSITIVE_INFINITY },
    'Get "http://a:1/metrics": context deadline exceeded',
  ],
] as const) {
  test(`${what} ends all series, shows its error, and leaves the target alone again when it is over`, async () => {
    const s = await run(job(), (sim) => sim.pages.set('a:1', { body: 'x 1\n' }), 15_000);
    if (page === undefined) s.pages.delete('a:1');
    else s.pages.set('a:1', page);
    await s.clock.pass(20_000);
    assert.equal(s.target('a:1')?.health, 'down');
    assert.equal(s.target('a:1')?.lastError, error);
    assert.deepEqual(s.values(`x${A}`).slice(-2), [1, 'stale']);
    assert.deepEqual(s.values(`up${A}`).slice(-2), [0, 0]);
    assert.deepEqual(s.values(`good${A}`), []);
    s.pages.set('a:1', { body: 'x 5\n' });
    await s.clock.pass(10_000);
    assert.equal(s.target('a:1')?.health, 'up');
    assert.equal(s.values(`x${A}`).at(-1), 5);
  });
}

test('sample_limit refuses the scrape as a whole and is counted', async () => {
  const body = Array.from({ length: 10_001 }, (_, i) => `x{n="${i}"} 1`).join('\n');
  const s = await run(
    job('sample_limit: 10000'),
    (sim) => sim.pages.set('a:1', { body: `${body}\n` }),
    10_000,
  );
  assert.equal(s.target('a:1')?.lastError, 'sample limit exceeded');
  assert.deepEqual(s.values(`up${A}`), [0]);
  assert.deepEqual(s.values(`scrape_samples_scraped${A}`), [10_001]);
  assert.equal(s.samples.filter(({ series }) => series.startsWith('x{')).length, 0);
  assert.equal(s.counters.get('prometheus_target_scrapes_exceeded_sample_limit_total'), 1);
});

test('target_limit: all targets of the job are down and say why', async () => {
  const s = await run(job('target_limit: 1', "['a:1', 'b:1']"), () => {}, 30_000);
  assert.equal(s.fetched.length, 0);
  assert.equal(s.target('b:1')?.lastError, 'target_limit exceeded (number of targets: 2, limit: 1)');
  assert.equal(s.counters.get('prometheus_target_scrape_pool_exceeded_target_limit_total'), 1);
});

test('a target that hangs harms no other', async () => {
  const s = await run(
    job('', "['a:1', 'slow:1', 'b:1']"),
    (sim) => {
      sim.pages.set('a:1', { body: 'x 1\n' });
      sim.pages.set('b:1', { body: 'x 1\n' });
      sim.pages.set('slow:1', { delayMs: Number.POSITIVE_INFINITY });
    },
    100_000,
  );
  assert.equal(s.values(`x${A}`).length, 10);
  assert.equal(s.values('x{instance="b:1", job="j"}').length, 10);
  assert.ok(s.values('up{instance="slow:1", job="j"}').length >= 9);
});

test('storage that is slow costs scrapes, which are counted; nothing queues up', async () => {
  const s = await run(
    job(),
    (sim) => {
      sim.pages.set('a:1', { body: 'x 1\n' });
      sim.storageMs = 25_000;
    },
    300_000,
  );
  const missed = s.counters.get('trivium_scrape_missed_total previous scrape took too long') ?? 0;
  assert.ok(s.fetched.length <= 11, `${s.fetched.length} scrapes`);
  assert.ok(missed >= 18, `${missed} missed`);
});

test('a batch that storage refuses is offered again until the next turn, then it is a missed scrape', async () => {
  const s = await run(
    job(),
    (sim) => {
      sim.pages.set('a:1', { body: 'x 1\n' });
      sim.storageError = new OverloadedError('queue is full', 3_000);
    },
    30_000,
  );
  assert.ok(s.batches > 3);
  assert.ok((s.counters.get('trivium_scrape_missed_total storage refused the samples') ?? 0) >= 1);
  s.storageError = undefined;
  await s.clock.pass(20_000);
  assert.ok(s.values(`x${A}`).length >= 1);
  const times = s.samples.filter(({ series }) => series === `x${A}`).map(({ timeMs }) => timeMs);
  assert.deepEqual([...new Set(times)], times);
});

test('explicit times are stored once, honoured or not as configured, and not marked stale', async () => {
  const body = `x 1 ${START_MS - 5000}\ny 2\n`;
  const honoured = await run(job(), (sim) => sim.pages.set('a:1', { body }), 35_000);
  assert.deepEqual(honoured.history(`x${A}`), ['-5: 1']);
  honoured.pages.set('a:1', { body: 'y 2\n' });
  await honoured.clock.pass(20_000);
  assert.deepEqual(honoured.history(`x${A}`), ['-5: 1']);
  const ignored = await run(job('honor_timestamps: false'), (sim) => sim.pages.set('a:1', { body }), 30_000);
  assert.equal(ignored.values(`x${A}`).length, 3);
  const tracked = await run(
    job('track_timestamps_staleness: true'),
    (sim) => sim.pages.set('a:1', { body }),
    15_000,
  );
  tracked.pages.set('a:1', { body: 'y 2\n' });
  await tracked.clock.pass(20_000);
  assert.deepEqual(tracked.values(`x${A}`), [1, 'stale']);
});

test('labels that collide are kept as exported_, or win with honor_labels; an empty one takes the label away', async () => {
  const body = 'x{job="own",instance="",exported_job="e"} 1\n';
  const s = await run(job(), (sim) => sim.pages.set('a:1', { body }), 10_000);
  assert.deepEqual(
    s.values('x{exported_exported_job="own", exported_job="e", instance="a:1", job="j"}'),
    [1],
  );
  const honoured = await run(job('honor_labels: true'), (sim) => sim.pages.set('a:1', { body }), 10_000);
  assert.deepEqual(honoured.values('x{exported_job="e", job="own"}'), [1]);
});

test('metric relabelling drops series, which do not count as kept', async () => {
  const extra = 'metric_relabel_configs: [{source_labels: [__name__], regex: "go_.*", action: drop}]';
  const s = await run(job(extra), (sim) => sim.pages.set('a:1', { body: 'go_x 1\ny 2\n' }), 10_000);
  assert.deepEqual(s.values(`scrape_samples_scraped${A}`), [2]);
  assert.deepEqual(s.values(`scrape_samples_post_metric_relabeling${A}`), [1]);
  assert.deepEqual(s.values(`go_x${A}`), []);
});

const FILE_JOB = job('file_sd_configs: [{files: [/sd/*.json]}]', '[]');

test('targets come and go with files; series of one that is gone end, those of one that comes back do not', async () => {
  const s = new Simulation();
  for (const name of ['a:1', 'b:1']) s.pages.set(name, { body: 'x 1\n' });
  s.files.set('/sd/t.json', '[{"targets": ["a:1", "b:1"], "labels": {"team": "t"}}]');
  s.start(FILE_JOB);
  await s.clock.pass(25_000);
  assert.equal(s.target('a:1')?.identity.discovered.get('__meta_filepath'), '/sd/t.json');
  const b = '{instance="b:1", job="j", team="t"}';
  assert.ok(s.values(`x${b}`).length >= 2);
  s.writeFile('/sd/t.json', '[{"targets": ["a:1"], "labels": {"team": "t"}}]');
  await s.clock.pass(5_000);
  assert.equal(s.target('b:1'), undefined);
  s.writeFile('/sd/t.json', 'not json');
  await s.clock.pass(5_000);
  assert.notEqual(s.target('a:1'), undefined);
  assert.equal(s.counters.get('prometheus_sd_file_read_errors_total'), 1);
  await s.clock.pass(30_000);
  assert.deepEqual(s.values(`x${b}`).at(-1), 'stale');
  assert.deepEqual(s.values(`up${b}`).at(-1), 'stale');
  s.writeFile('/sd/t.json', '[]');
  await s.clock.pass(3_000);
  s.writeFile('/sd/t.json', '[{"targets": ["a:1"], "labels": {"team": "t"}}]');
  await s.clock.pass(60_000);
  assert.ok(!s.values('x{instance="a:1", job="j", team="t"}').includes('stale'));
});

test('a new configuration leaves jobs alone that are as before, and goes on with targets of those that are not', async () => {
  const two = (path: string, last: string) => `
scrape_configs:
  - {job_name: same, scrape_interval: 10s, scrape_timeout: 5s, static_configs: [{targets: ['a:1']}]}
  - {job_name: changed, scrape_interval: 10s, scrape_timeout: 5s, sample_limit: ${path}, static_configs: [{targets: ['b:1']}]}
${last}`;
  const s = new Simulation();
  for (const name of ['a:1', 'b:1', 'c:1']) s.pages.set(name, { body: 'x 1\ny 1\n' });
  s.start(
    two(
      '100',
      "  - {job_name: gone, scrape_interval: 10s, scrape_timeout: 5s, static_configs: [{targets: ['c:1']}]}",
    ),
  );
  await s.clock.pass(30_000);
  const before = s.scraping?.pools()[0];
  // A series that the target loses over the reload still gets its marker.
  s.pages.set('b:1', { body: 'x 1\n' });
  s.apply(two('200', ''));
  await s.clock.pass(40_000);
  assert.equal(s.scraping?.pools()[0], before);
  assert.deepEqual(
    s.scraping?.pools().map(({ config }) => config.jobName),
    ['same', 'changed'],
  );
  assert.ok(!s.values('x{instance="b:1", job="changed"}').includes('stale'));
  assert.equal(s.values('y{instance="b:1", job="changed"}').at(-1), 'stale');
  assert.equal(s.values('x{instance="c:1", job="gone"}').at(-1), 'stale');
  const times = s.samples
    .filter(({ series }) => series === 'x{instance="b:1", job="changed"}')
    .map(({ timeMs }) => timeMs);
  assert.deepEqual([...new Set(times.map((time) => time % 10_000))].length, 1);
});

test('closing after a job was removed leaves its series open', async () => {
  const s = await run(job(), (sim) => sim.pages.set('a:1', { body: 'x 1\n' }), 15_000);
  s.apply('scrape_configs: []');
  await s.clock.pass(1_000);
  await s.scraping?.close();
  await s.clock.pass(100_000);
  assert.ok(!s.values(`x${A}`).includes('stale'));
});

test('closing leaves no markers and no timers that scrape on', async () => {
  const s = await run(job(), (sim) => sim.pages.set('a:1', { body: 'x 1\n' }), 15_000);
  await s.scraping?.close();
  const before = s.samples.length;
  await s.clock.pass(100_000);
  assert.equal(s.samples.length, before);
});

test('a day with restarts, clock jumps and churn: no gap that was not real, no time twice', async () => {
  const s = new Simulation();
  const yaml = `
global: {scrape_interval: 60s, scrape_timeout: 10s}
scrape_configs: [{job_name: j, static_configs: [{targets: ['a:1']}], file_sd_configs: [{files: [/sd/t.json]}]}]`;
  const names = (n: number) => JSON.stringify([{ targets: Array.from({ length: n }, (_, i) => `c${i}:1`) }]);
  for (let i = 0; i < 8; i++) s.pages.set(`c${i}:1`, { body: 'x 1\n' });
  s.pages.set('a:1', (nowMs) => ({ body: `x ${nowMs}\n`, delayMs: 50 }));
  s.files.set('/sd/t.json', names(4));
  s.start(yaml);
  for (let hour = 0; hour < 24; hour++) {
    await s.clock.pass(1_800_000);
    s.writeFile('/sd/t.json', names(2 + (hour % 6)));
    if (hour % 6 === 5) {
      await s.scraping?.close();
      s.start(yaml);
    }
    if (hour === 8) s.clock.jump(120_000);
    if (hour === 16) s.clock.jump(-7_000);
    await s.clock.pass(1_800_000);
  }
  const times = s.samples.filter(({ series }) => series === `up${A}`).map(({ timeMs }) => timeMs);
  assert.deepEqual([...new Set(times)], times, 'a time came twice');
  assert.ok(times.length >= 24 * 60 - 8, `${times.length} scrapes in a day`);
  const gaps = times.slice(1).map((time, i) => time - (times[i] as number));
  const wide = gaps.filter((gap) => gap > 61_000);
  // The jump ahead, and at most one short wait after each restart.
  assert.ok(wide.length <= 5 && Math.max(...wide) <= 181_000, `gaps: ${wide}`);
  assert.ok(!s.values(`x${A}`).includes('stale'));
});

test('ten thousand targets are spread evenly over the interval, and in the same way every time', async () => {
  const targets = JSON.stringify(Array.from({ length: 10_000 }, (_, i) => `t${i}:9100`));
  const { scrapeOffsetMs } = await import('../../src/collector/scrape/target.ts');
  const offsets = (JSON.parse(targets) as string[]).map((target) => scrapeOffsetMs(target, 15_000));
  const perSecond = new Array<number>(15).fill(0);
  for (const offset of offsets)
    perSecond[Math.floor(offset / 1000)] = (perSecond[Math.floor(offset / 1000)] as number) + 1;
  assert.ok(
    perSecond.every((count) => count > 550 && count < 790),
    perSecond.join(),
  );
  assert.deepEqual(
    offsets.slice(0, 3),
    offsets.slice(0, 3).map((_, i) => scrapeOffsetMs(`t${i}:9100`, 15_000)),
  );
});
