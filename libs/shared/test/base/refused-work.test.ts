import { expect, test } from 'vitest';
import { BudgetError, FakeClock, RefusedWork } from '../../src/base/index.ts';

/** Work that fails each time, and how often it was done. */
function failing(error: Error) {
  const clock = new FakeClock();
  const refused = new RefusedWork((each) => each instanceof BudgetError, clock);
  let done = 0;
  const attempt = async (input: string, owner = 'one') => {
    const work = refused.run({ owner, input }, async () => {
      done++;
      throw error;
    });
    await expect(work).rejects.toBe(error);
    return done;
  };
  return { clock, attempt };
}

test('work over a limit is done once, until its input is another or ten minutes are over', async () => {
  const { clock, attempt } = failing(new BudgetError('too much'));
  expect(await attempt('a')).toBe(1);
  expect(await attempt('a')).toBe(1);
  expect(await attempt('b')).toBe(2);
  expect(await attempt('a')).toBe(3);
  expect(await attempt('a', 'other')).toBe(4);
  await clock.advance(599_999);
  expect(await attempt('a')).toBe(4);
  await clock.advance(1);
  expect(await attempt('a')).toBe(5);
});

test('work that failed for another reason is done again', async () => {
  const { attempt } = failing(new Error('the server is down'));
  expect(await attempt('a')).toBe(1);
  expect(await attempt('a')).toBe(2);
});
