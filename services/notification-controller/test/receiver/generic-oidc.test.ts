import { NetworkGuard } from '@sluice/shared/net';
import { localNetwork, receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { genericOidcWebhook } from '../../src/receiver/generic-oidc.ts';
import { oidcTokenVerifier } from '../../src/receiver/oidc-token.ts';
import type { OidcProvider, WebhookRules } from '../../src/receiver/webhook.ts';
import { noTokens } from './rules.ts';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let pairs: Pair[];
let server: WebhookReceiver;
let published: string[];
let discovered: (url: string) => object;
let nowMs = 0;

beforeAll(async () => {
  pairs = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  server = await receiveWebhooks();
  const keys = await Promise.all(
    pairs.map(async ({ publicKey }, i) => ({ ...(await exportJWK(publicKey)), kid: `k${i}` })),
  );
  server.respond(({ path }) => ({
    status: 200,
    body: JSON.stringify(
      path === '/keys'
        ? { keys: keys.filter(({ kid }) => published.includes(kid)) }
        : discovered(server.url),
    ),
  }));
});

beforeEach(() => {
  published = ['k0'];
  discovered = (url) => ({ issuer: url, jwks_uri: `${url}/keys` });
  server.requests.length = 0;
  nowMs = 0;
});

afterAll(() => server.close());

const claims = { sub: 'repo:org/shop:ref:refs/heads/main', repository: 'org/shop' };

function tokenWith(change: Record<string, unknown> = {}, key = 0) {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: server.url, aud: 'notification-controller', exp: now + 600, ...claims };
  return new SignJWT({ ...all, ...change })
    .setProtectedHeader({ alg: 'ES256', kid: `k${key}` })
    .sign((pairs[key] as Pair).privateKey);
}

/** Judges webhooks for a Receiver, remembering the issuer from one to the next. */
function receiver(provider: Partial<OidcProvider> = {}, guard = localNetwork) {
  const verifyOidcToken = oidcTokenVerifier(guard, () => nowMs);
  const rules: WebhookRules = {
    ...noTokens,
    token: '',
    secret: {},
    events: [],
    oidcProviders: [
      {
        issuerURL: server.url,
        validations: [{ expression: 'true', message: 'never' }],
        ...provider,
      },
    ],
    verifyOidcToken,
  };
  return async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return genericOidcWebhook({ headers, body: Buffer.from('{}') }, rules);
  };
}

describe('a token of the issuer', () => {
  test('is taken, and its claims are for the filters', async () => {
    expect(await receiver()(await tokenWith())).toMatchObject({ claims });
  });

  test('for another audience is taken when the entry names it', async () => {
    const token = await tokenWith({ aud: 'flux' });
    expect(await receiver({ audience: 'flux' })(token)).toMatchObject({ claims });
    await expect(receiver()(token)).rejects.toThrow('aud');
  });

  test('needs claims that hold, with variables that build on each other', async () => {
    const judge = receiver({
      variables: [
        { name: 'org', expression: "claims.repository.split('/')[0]" },
        { name: 'isOurs', expression: "vars.org == 'org'" },
      ],
      validations: [
        { expression: 'vars.isOurs', message: 'another organization' },
        { expression: "claims.sub.endsWith('/main')", message: 'another branch' },
      ],
    });
    expect(await judge(await tokenWith())).toMatchObject({ claims });
    await expect(judge(await tokenWith({ repository: 'x/shop', sub: 'x' }))).rejects.toThrow(
      'another organization; another branch',
    );
    await expect(judge(await tokenWith({ repository: undefined }))).rejects.toThrow(
      'spec.oidcProviders[0].variables[0]',
    );
  });

  test.each<{ name: string; change: Record<string, unknown>; want: string }>([
    { name: 'has expired', change: { exp: 1 }, want: 'exp' },
    { name: 'never expires', change: { exp: undefined }, want: 'exp' },
    { name: 'is of another issuer', change: { iss: 'https://x' }, want: 'no issuer' },
    { name: 'names no issuer', change: { iss: undefined }, want: 'no issuer' },
  ])('that $name is refused', async ({ change, want }) => {
    await expect(receiver()(await tokenWith(change))).rejects.toThrow(want);
  });

  test('whose key the issuer does not have is refused', async () => {
    await expect(receiver()(await tokenWith({}, 1))).rejects.toThrow('not accepted');
  });
});

test.each([
  { name: 'no token', token: undefined, want: 'no bearer token' },
  { name: 'no JSON Web Token', token: 'canary', want: 'no JSON Web Token' },
])('$name is refused, and no issuer is asked', async ({ token, want }) => {
  const refused = receiver()(token);
  await expect(refused).rejects.toThrow(want);
  await expect(refused).rejects.not.toThrow('canary');
  expect(server.requests).toEqual([]);
});

describe('an issuer', () => {
  test('is asked once for many tokens, and again after ten minutes', async () => {
    const judge = receiver();
    for (let i = 0; i < 3; i++) await judge(await tokenWith());
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/keys',
    ]);
    nowMs = 10 * 60_000;
    published = ['k1'];
    expect(await judge(await tokenWith({}, 1))).toMatchObject({ claims });
  });

  test.each<{ name: string; says: (url: string) => object; want: string }>([
    {
      name: 'that says it is another one',
      says: (url) => ({ issuer: 'https://x', jwks_uri: `${url}/keys` }),
      want: 'another one',
    },
    { name: 'without keys', says: (url) => ({ issuer: url }), want: 'address of its keys' },
    {
      name: 'with keys in a file',
      says: (url) => ({ issuer: url, jwks_uri: 'file:///etc/passwd' }),
      want: 'address of its keys',
    },
  ])('$name is refused, and asked again', async ({ says, want }) => {
    const judge = receiver();
    discovered = says;
    await expect(judge(await tokenWith())).rejects.toThrow(want);
    discovered = (url) => ({ issuer: url, jwks_uri: `${url}/keys` });
    expect(await judge(await tokenWith())).toMatchObject({ claims });
  });

  test('at an address that the guard refuses is not asked', async () => {
    const judge = receiver({}, new NetworkGuard());
    await expect(judge(await tokenWith())).rejects.toThrow('not accepted');
    expect(server.requests).toEqual([]);
  });
});
