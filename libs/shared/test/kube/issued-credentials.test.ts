import { FakeClock } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import { issuedCredentials } from '../../src/kube/credentials.ts';

const header = (token: string) => ({ authorization: `Bearer ${token}` });

/** Gives `token-1`, `token-2`, and so on. */
function issuer() {
  const refusals: (string | undefined)[] = [];
  const clock = new FakeClock();
  const credentials = issuedCredentials(async (refused) => {
    refusals.push(refused);
    return `token-${refusals.length}`;
  }, clock);
  return { clock, credentials, refusals };
}

test('a token is asked for again now and then, by whoever keeps it', async () => {
  const { clock, credentials } = issuer();
  expect(await credentials.headers()).toEqual(header('token-1'));
  await clock.advance(29_000);
  expect(await credentials.headers()).toEqual(header('token-1'));
  await clock.advance(1_000);
  expect(await credentials.headers()).toEqual(header('token-2'));
});

test('a token that was refused is told, however many requests it was refused for', async () => {
  const { credentials, refusals } = issuer();
  await credentials.headers();
  expect(credentials.refresh()).toBe(true);
  expect(credentials.refresh()).toBe(true);
  expect(await credentials.headers()).toEqual(header('token-2'));
  expect(refusals).toEqual([undefined, 'token-1']);
});
