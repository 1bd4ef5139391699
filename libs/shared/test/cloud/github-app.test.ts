import { generateKeyPairSync } from 'node:crypto';
import { githubAppAuthor, githubAppIn, githubAppToken } from '@sluice/shared/cloud';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from './cloud-bed.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const where = "secret 'apps/app'";
const given = { githubAppID: '7', githubAppPrivateKey: pem };

let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud();
});

afterAll(() => cloud.close());

function appOf(values: Record<string, string>) {
  const app = githubAppIn({ ...given, ...values }, where);
  if (app === undefined) throw new Error('no App');
  return app;
}

test('a GitHub App proves by its key who it is, and gets a token for its installation', async () => {
  const url = 'https://api.github.com/app/installations/42/access_tokens';
  const expires_at = '2026-01-01T01:00:00Z';
  cloud.answer({
    [`POST ${url}`]: { status: 201, body: JSON.stringify({ token: 't', expires_at }) },
  });
  const app = appOf({ githubAppInstallationID: '42' });
  expect(await githubAppToken(app, where, cloud.door)).toEqual({
    value: 't',
    expiresAtMs: Date.parse(expires_at),
  });
  const [asked] = cloud.asked();
  const [scheme, claim = ''] = asked?.headers['authorization']?.split(' ') ?? [];
  expect(asked).toEqual({
    method: 'POST',
    url,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `${scheme} ${claim}`,
      'x-github-api-version': '2022-11-28',
    },
    body: '',
  });
  const now = cloud.clock.now() / 1000;
  const { payload, protectedHeader } = await jwtVerify(claim, publicKey, {
    currentDate: new Date(cloud.clock.now()),
  });
  expect([scheme, protectedHeader, payload]).toEqual([
    'Bearer',
    { alg: 'RS256' },
    { iss: '7', iat: now - 30, exp: now + 90 },
  ]);
});

test('the installation of a GitHub App may be named by its owner, at a server of its own', async () => {
  const base = 'https://git.example.com/api/v3';
  cloud.answer({
    [`GET ${base}/users/me/installation`]: { id: 9 },
    [`POST ${base}/app/installations/9/access_tokens`]: { token: 't' },
  });
  const app = appOf({ githubAppInstallationOwner: 'me', githubAppBaseURL: `${base}/` });
  expect((await githubAppToken(app, where, cloud.door)).value).toBe('t');
  expect(cloud.asked().map(({ method, url }) => `${method} ${url}`)).toEqual([
    `GET ${base}/orgs/me/installation`,
    `GET ${base}/users/me/installation`,
    `POST ${base}/app/installations/9/access_tokens`,
  ]);
});

test.each<{ name: string; values: Record<string, string>; says: string }>([
  { name: 'no key', values: { githubAppPrivateKey: '' }, says: 'no githubAppPrivateKey' },
  { name: 'no installation', values: {}, says: 'neither githubAppInstallationID nor' },
  {
    name: 'two installations',
    values: { githubAppInstallationID: '1', githubAppInstallationOwner: 'me' },
    says: 'both githubAppInstallationID and',
  },
  { name: 'a path for a number', values: { githubAppInstallationID: '../x' }, says: 'numbers' },
  {
    name: 'another kind of address',
    values: { githubAppInstallationID: '1', githubAppBaseURL: 'file:///etc' },
    says: 'githubAppBaseURL must be an https:// address',
  },
])('a GitHub App with $name is refused', ({ values, says }) => {
  expect(() => appOf(values)).toThrow(says);
});

test('a GitHub App with a key that is none, or without its installation, says so', async () => {
  cloud.answer({});
  const wrong = appOf({ githubAppInstallationID: '1', githubAppPrivateKey: 'canary' });
  const failure = githubAppToken(wrong, where, cloud.door);
  await expect(failure).rejects.toThrow(
    "githubAppPrivateKey of secret 'apps/app' is no RSA key in PEM",
  );
  const gone = githubAppToken(appOf({ githubAppInstallationOwner: 'me' }), where, cloud.door);
  await expect(gone).rejects.toThrow("is not installed at 'me'");
});

test('a GitHub App is asked under which name it writes', async () => {
  cloud.answer({ 'GET https://api.github.com/app': { slug: 'sluice' } });
  const app = appOf({ githubAppInstallationID: '1' });
  expect((await githubAppAuthor(app, where, cloud.door)).value).toBe('sluice[bot]');
});
