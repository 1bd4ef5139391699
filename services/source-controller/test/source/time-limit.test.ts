import { expect, test } from 'vitest';
import { TimeLimit } from '../../src/source/time-limit.ts';

test('a limit of years, which is longer than timers take, is not over at once', () => {
  const { signal, error } = new TimeLimit('8760h', new AbortController().signal);
  expect([signal.aborted, error]).toEqual([false, undefined]);
});
