import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--concurrent=2']);
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

/** Far longer than the test may take. */
const timeout = '1h';

const waits = (name: string) =>
  bed.when((object) => conditionOf(object, 'Reconciling')?.reason === 'Progressing', name);

test('releases that wait or fail delay no other one', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `slow-${index}`);
  await Promise.all(
    names.map((name, index) =>
      index % 2 === 0
        ? bed.apply({ values: { pending: true }, timeout }, name)
        : bed.apply({ values: { refused: true }, install: { remediation: { retries: -1 } } }, name),
    ),
  );
  await Promise.all(names.filter((_, index) => index % 2 === 0).map(waits));
  await bed.apply({}, 'quick');
  await bed.ready('1.0.0', 'quick');
  for (const name of names) expect(conditionOf(await bed.get(name))?.status).not.toBe('True');
});
