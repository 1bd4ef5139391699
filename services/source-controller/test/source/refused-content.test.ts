import type { GitRepository } from '@sluice/shared/api';
import { BudgetError, FakeClock, RetryableError } from '@sluice/shared/base';
import type { ReconcileContext } from '@sluice/shared/runtime';
import { expect, it } from 'vitest';
import { RefusedContent } from '../../src/source/refused-content.ts';

/** What a source is made of, and how often it was made. */
function source(error: Error) {
  const refused = new RefusedContent();
  const clock = new FakeClock();
  const status = { removeCondition() {}, setCondition() {} };
  let made = 0;
  const attempt = async (revision: string, { uid = 'one', generation = 1 } = {}) => {
    const object = { metadata: { uid, generation } };
    const context = { clock, status, object } as unknown as ReconcileContext<GitRepository>;
    const making = refused.make(context, revision, async () => {
      made++;
      throw error;
    });
    await expect(making).rejects.toBe(error);
    return made;
  };
  return { clock, attempt };
}

const tooMuch = new RetryableError('Failed', 'too much', { cause: new BudgetError('too much') });

it('content over a limit is tried once, until something about it changes or ten minutes are over', async () => {
  const { clock, attempt } = source(tooMuch);
  expect(await attempt('a')).toBe(1);
  expect(await attempt('a')).toBe(1);
  expect(await attempt('b')).toBe(2);
  expect(await attempt('a')).toBe(3);
  expect(await attempt('a', { generation: 2 })).toBe(4);
  expect(await attempt('a', { uid: 'other', generation: 2 })).toBe(5);
  await clock.advance(599_999);
  expect(await attempt('a', { generation: 2 })).toBe(5);
  await clock.advance(1);
  expect(await attempt('a', { generation: 2 })).toBe(6);
});

it('content that failed for another reason is tried again', async () => {
  const { attempt } = source(new RetryableError('Failed', 'the server is down'));
  expect(await attempt('a')).toBe(1);
  expect(await attempt('a')).toBe(2);
});
