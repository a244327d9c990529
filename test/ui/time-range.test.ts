/** The time range of a page: reading, naming, shifting, and what the URL holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  boundFromInput,
  describeRange,
  formatAgo,
  formatDurationParam,
  parseBound,
  parseDurationMs,
  resolveRange,
  shiftRange,
  zoomOut,
} from '../../ui/src/time/range.ts';

const now = Date.UTC(2026, 10, 21, 10, 51, 2, 345);
const minute = 60_000;
const hour = 60 * minute;

test('durations', () => {
  const cases: [string, number | null][] = [
    ['5m', 5 * minute],
    ['1h30m', 90 * minute],
    ['500ms', 500],
    ['1.5h', 90 * minute],
    ['2d', 48 * hour],
    ['1w', 7 * 24 * hour],
    ['', null],
    ['5', null],
    ['m', null],
    ['5x', null],
    ['5m ', null],
  ];
  for (const [text, want] of cases) assert.equal(parseDurationMs(text), want, text);
});

test('durations as the query languages write them', () => {
  const cases: [number, string][] = [
    [15_000, '15s'],
    [90_000, '1m30s'],
    [hour, '1h'],
    [25 * hour, '1d1h'],
    [1500, '1s500ms'],
    [0, '0s'],
  ];
  for (const [ms, want] of cases) assert.equal(formatDurationParam(ms), want);
});

test('bounds', () => {
  const cases: [string, number | null][] = [
    ['now', now],
    ['now-1h', now - hour],
    ['now+5m', now + 5 * minute],
    ['now-1h30m', now - 90 * minute],
    ['1795258262345', 1_795_258_262_345],
    ['1795258262', 1_795_258_262_000],
    ['1795258262345000000', 1_795_258_262_345],
    ['2026-11-21T10:51:02Z', Date.UTC(2026, 10, 21, 10, 51, 2)],
    ['2026-11-21 10:51', new Date(2026, 10, 21, 10, 51).getTime()],
    ['2026-11-21', new Date(2026, 10, 21).getTime()],
    ['now/m', Date.UTC(2026, 10, 21, 10, 51)],
    ['yesterday', null],
    ['now-', null],
    ['now-1', null],
    ['', null],
  ];
  for (const [text, want] of cases) assert.equal(parseBound(text, now, 'from'), want, text);
});

test('a day that is rounded begins at local midnight and ends at the next', () => {
  const from = new Date(now);
  from.setHours(0, 0, 0, 0);
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  assert.deepEqual(resolveRange({ from: 'now/d', to: 'now/d' }, now), {
    fromMs: from.getTime(),
    toMs: to.getTime(),
  });
});

test('ranges that are empty, reversed or unreadable are refused', () => {
  for (const [from, to] of [
    ['now', 'now'],
    ['now', 'now-1h'],
    ['x', 'now'],
    ['now-1h', ''],
  ] as const) {
    assert.equal(resolveRange({ from, to }, now), null, `${from} ${to}`);
  }
});

test('shifting and zooming', () => {
  const range = { fromMs: now - hour, toMs: now };
  assert.deepEqual(shiftRange(range, -0.5), { fromMs: now - 1.5 * hour, toMs: now - 0.5 * hour });
  assert.deepEqual(zoomOut(range, now), { fromMs: now - 2 * hour, toMs: now }, 'never into the future');
  const past = { fromMs: now - 10 * hour, toMs: now - 9 * hour };
  assert.deepEqual(zoomOut(past, now), { fromMs: now - 10.5 * hour, toMs: now - 8.5 * hour });
});

test('names of ranges', () => {
  assert.equal(describeRange({ from: 'now-1h', to: 'now' }), 'Last 1 hour');
  assert.equal(describeRange({ from: 'now-45m', to: 'now' }), 'Last 45 minutes');
  assert.equal(describeRange({ from: 'now-1h30m', to: 'now' }), 'Last 1h30m');
  assert.equal(describeRange({ from: 'now-2h', to: 'now-1h' }), 'now-2h – now-1h');
  assert.match(
    describeRange({ from: String(now), to: String(now + hour) }),
    /^2026-11-2\d \d\d:51:02 – 2026-/,
  );
});

test('input becomes URL text', () => {
  assert.equal(boundFromInput(' now-1h '), 'now-1h');
  assert.equal(boundFromInput('2026-11-21T10:00:00Z'), String(Date.UTC(2026, 10, 21, 10)));
  assert.equal(boundFromInput('now-1q'), null);
  assert.equal(boundFromInput('soon'), null);
});

test('how long ago', () => {
  const cases: [number, string][] = [
    [0, 'now'],
    [30_000, '30s ago'],
    [5 * minute, '5m ago'],
    [3 * hour, '3h ago'],
    [72 * hour, '3d ago'],
  ];
  for (const [ago, want] of cases) assert.equal(formatAgo(now - ago, now), want);
});
