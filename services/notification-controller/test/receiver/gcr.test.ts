import { receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gcrWebhook } from '../../src/receiver/gcr.ts';
import { googleTokenVerifier } from '../../src/receiver/google-token.ts';
import type { WebhookRules } from '../../src/receiver/webhook.ts';
import { noTokens } from './rules.ts';

const email = 'pusher@project.iam.gserviceaccount.com';
const audience = 'https://hooks.example.org/hook/1';
const data = { action: 'INSERT', digest: 'gcr.io/a/b@sha256:abc', tag: 'gcr.io/a/b:1' };
const pushOf = (value: unknown) =>
  JSON.stringify({
    message: { data: Buffer.from(JSON.stringify(value)).toString('base64'), messageId: '1' },
  });

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let google: Pair;
let other: Pair;
let server: WebhookReceiver;

beforeAll(async () => {
  [google, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  server = await receiveWebhooks();
  const key = { ...(await exportJWK(google.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  server.respond({ status: 200, body: JSON.stringify({ keys: [key] }) });
});

afterAll(() => server.close());

function tokenWith(claims: Record<string, unknown> = {}, o: { by?: Pair; kid?: string } = {}) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: 'https://accounts.google.com',
    aud: audience,
    exp: now + 600,
    iat: now,
    email,
    email_verified: true,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', kid: o.kid ?? 'k1' })
    .sign((o.by ?? google).privateKey);
}

function judge(o: { authorization?: string; body?: string; secret?: Record<string, string> }) {
  const { authorization, body = pushOf(data), secret = { email, audience } } = o;
  const rules: WebhookRules = {
    ...noTokens,
    token: 't',
    secret,
    events: [],
    verifyGoogleToken: googleTokenVerifier(`${server.url}/certs`),
  };
  const headers = authorization === undefined ? {} : { authorization };
  return Promise.resolve(gcrWebhook({ headers, body: Buffer.from(body) }, rules));
}

describe('a push about an image', () => {
  test('with a token of Google for the account and audience is taken', async () => {
    const authorization = `Bearer ${await tokenWith()}`;
    expect(await judge({ authorization })).toEqual({ payload: data });
  });

  test('is also taken from the issuer without a scheme', async () => {
    const authorization = `Bearer ${await tokenWith({ iss: 'accounts.google.com' })}`;
    expect(await judge({ authorization })).toEqual({ payload: data });
  });

  test.each<{ name: string; claims: Record<string, unknown>; want: string }>([
    { name: 'another audience', claims: { aud: 'https://x' }, want: 'aud' },
    { name: 'another issuer', claims: { iss: 'https://x' }, want: 'iss' },
    { name: 'another account', claims: { email: 'x@y' }, want: 'another account' },
    { name: 'an account that is not verified', claims: { email_verified: false }, want: 'account' },
    { name: 'a time that is over', claims: { exp: 1 }, want: 'exp' },
    { name: 'no end', claims: { exp: undefined }, want: 'exp' },
  ])('whose token has $name is refused', async ({ claims, want }) => {
    await expect(judge({ authorization: `Bearer ${await tokenWith(claims)}` })).rejects.toThrow(
      want,
    );
  });

  test('whose token somebody else has signed is refused', async () => {
    const forged = await tokenWith({}, { by: other });
    await expect(judge({ authorization: `Bearer ${forged}` })).rejects.toThrow('not accepted');
    const unknown = await tokenWith({}, { by: other, kid: 'k2' });
    await expect(judge({ authorization: `Bearer ${unknown}` })).rejects.toThrow('not accepted');
  });

  test('without a token is refused, and no keys are asked for', async () => {
    const before = server.requests.length;
    await expect(judge({})).rejects.toThrow('bearer token');
    expect(server.requests).toHaveLength(before);
  });

  test.each(['email', 'audience'])('is refused when the Secret has no %s', async (key) => {
    const secret: Record<string, string> = { email, audience };
    delete secret[key];
    await expect(judge({ secret })).rejects.toThrow(`no key '${key}'`);
  });

  test.each([
    { name: 'no JSON', body: 'x', want: 'no JSON' },
    { name: 'no data', body: '{}', want: 'no JSON' },
    { name: 'data that is no object', body: pushOf('x'), want: 'no JSON object' },
  ])('with $name is refused', async ({ body, want }) => {
    const authorization = `Bearer ${await tokenWith()}`;
    await expect(judge({ authorization, body })).rejects.toThrow(want);
  });
});

test('keys are read once for many tokens', async () => {
  const verify = googleTokenVerifier(`${server.url}/certs`);
  const before = server.requests.length;
  for (let i = 0; i < 3; i++) await verify(await tokenWith(), { email, audience });
  expect(server.requests.length - before).toBe(1);
});
