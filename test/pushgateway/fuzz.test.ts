/** Ten thousand broken pushes: pages and grouping keys are taken or refused with a reason, and come back as pushed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGrouping } from '../../src/api/pushgateway/grouping.ts';
import { groupsJson } from '../../src/api/pushgateway/json.ts';
import { groupsText } from '../../src/api/pushgateway/text.ts';
import { decodeGroup, encodeGroup, type PushGroup } from '../../src/collector/pushgateway/group.ts';
import { readPushedPage } from '../../src/collector/pushgateway/page.ts';
import { InputError } from '../../src/model/errors.ts';
import { Labels } from '../../src/model/labels.ts';
import { Random } from '../wire/random.ts';
import { mutate } from '../wire-zipkin/mutate.ts';

const CASES = 10_000;
const PAGES = [
  '# HELP a Help \\\\ text.\n# TYPE a counter\na{x="1",y="\\"\\n"} 1\na{x="2"} NaN\n',
  '# TYPE h histogram\nh_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\nh_sum -0\nh_count 2\n',
  '# TYPE s summary\ns{quantile="0.5"} 1e300\ns_sum +Inf\ns_count 3\nplain 5\n{"dotted.name",l="v"} 6\n',
];
const FORMATS = ['text', 'text', 'openmetrics', 'protobuf'] as const;

test(`${CASES} broken pages`, async () => {
  const random = new Random('pushed pages');
  const labels = Labels.from({ job: 'a', zone: 'b' });
  let taken = 0;
  let refused = 0;
  for (let i = 0; i < CASES; i++) {
    const format = random.pick(FORMATS);
    const end = format === 'openmetrics' ? '# EOF\n' : '';
    const body = mutate(random, Buffer.from(random.pick(PAGES) + end));
    try {
      const { families, problem } = await readPushedPage(body, format, labels, 5);
      assert.notEqual(problem, '');
      const group: PushGroup = { labels, pushMs: 5, failureMs: 0, families };
      const again = decodeGroup(encodeGroup(group));
      const text = groupsText([group]);
      assert.equal(groupsText([again]), text);
      assert.deepEqual(groupsJson([again]), groupsJson([group]));
      // What is exposed can be pushed again and means the same.
      const back = await readPushedPage(Buffer.from(text), 'text', labels, 5);
      if (problem === undefined) {
        assert.equal(groupsText([{ ...group, families: back.families }]), text, body.toString('base64'));
        taken++;
      }
    } catch (error) {
      if (!(error instanceof InputError))
        throw new Error(`case ${i}: ${body.toString('base64')}`, { cause: error });
      refused++;
    }
  }
  assert.ok(taken > CASES / 20 && refused > CASES / 20, `${taken} taken, ${refused} refused`);
});

test(`${CASES} broken grouping keys`, () => {
  const random = new Random('grouping keys');
  let taken = 0;
  for (let i = 0; i < CASES; i++) {
    const path = mutate(random, Buffer.from('job/a%20b/zone@base64/L3Zhci90bXA=/x/1')).toString('latin1');
    try {
      assert.notEqual(readGrouping(path).get('job'), '');
      taken++;
    } catch (error) {
      assert.ok(error instanceof InputError, `${JSON.stringify(path)}: ${error}`);
    }
  }
  assert.ok(taken > CASES / 20 && taken < CASES * 0.95, `${taken} taken`);
});
