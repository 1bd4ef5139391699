import { generateKeyPairSync } from 'node:crypto';
import type { CloudIdentities } from '@sluice/shared/cloud';
import { localNetwork, receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { githubApi } from '../../src/provider/github-api.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import { createSend } from '../../src/provider/send.ts';
import { appIdentity, identitiesOf } from '../no-identity.ts';
import { providerOf } from '../objects.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secret = {
  githubAppID: '1',
  githubAppPrivateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
};
let server: WebhookReceiver;
let identities: CloudIdentities;
let repositoryStatus: number;

beforeEach(async () => {
  server = await receiveWebhooks();
  identities = identitiesOf();
  repositoryStatus = 200;
  let issued = 0;
  server.respond(({ path }) => {
    if (path.endsWith('/installation')) {
      return path.includes('/users/me/') ? { status: 200, body: '{"id":7}' } : { status: 404 };
    }
    if (path.endsWith('/app')) return { status: 200, body: '{"slug":"sluice"}' };
    if (!path.endsWith('/access_tokens')) return { status: repositoryStatus };
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    return { status: 201, body: JSON.stringify({ token: `canary-${++issued}`, expires_at }) };
  });
});

afterEach(() => server.close());

async function open(change: Record<string, string>) {
  const provider = providerOf({
    type: 'github',
    address: `${server.url}/org/repo`,
    secretRef: { name: 'app' },
  });
  const endpoint = await endpointOf(provider, async () => ({ ...secret, ...change }));
  const { signal } = new AbortController();
  const pool = new ProviderPool(localNetwork);
  const send = createSend(endpoint, { pool, signal, traceHeaders: {} });
  return githubApi(endpoint, send, appIdentity(provider, endpoint, { pool, identities }));
}

const logins = () =>
  server.requests
    .filter(({ path }) => path.includes('/repos/'))
    .map((r) => r.headers.authorization);
const issues = () => server.requests.filter(({ path }) => path.endsWith('/access_tokens')).length;

test('a token of an App is used for several deliveries', async () => {
  for (let i = 0; i < 3; i++) {
    await (await open({ githubAppInstallationOwner: 'me' })).send('statuses/x');
  }
  expect(logins()).toEqual(['Bearer canary-1', 'Bearer canary-1', 'Bearer canary-1']);
  expect(issues()).toBe(1);
});

test('another key in the Secret gets another token at once', async () => {
  await (await open({ githubAppInstallationID: '1' })).send('statuses/x');
  await (await open({ githubAppInstallationID: '2' })).send('statuses/x');
  expect(logins()).toEqual(['Bearer canary-1', 'Bearer canary-2']);
});

test('a token that is refused is not used again', async () => {
  repositoryStatus = 401;
  const api = await open({ githubAppInstallationID: '1' });
  await expect(api.send('statuses/x')).rejects.toThrow('status 401');
  repositoryStatus = 200;
  await (await open({ githubAppInstallationID: '1' })).send('statuses/x');
  expect(logins()).toEqual(['Bearer canary-1', 'Bearer canary-2']);
});

test('an owner without the App is named, with the key', async () => {
  await expect(open({ githubAppInstallationOwner: 'nobody' })).rejects.toThrow(
    "the GitHub App is not installed at 'nobody', which githubAppInstallationOwner names",
  );
});

test('what an App has written is known by its name, which is asked for once', async () => {
  for (let i = 0; i < 2; i++) {
    expect(await (await open({ githubAppInstallationID: '1' })).login()).toBe('sluice[bot]');
  }
  expect(server.requests.filter(({ path }) => path.endsWith('/app'))).toHaveLength(1);
});

test('a token is asked for where the repository is, not where the Secret says', async () => {
  const githubAppBaseURL = `${server.url}/elsewhere`;
  await (await open({ githubAppInstallationID: '1', githubAppBaseURL })).send('statuses/x');
  expect(server.requests.map(({ path }) => path)).toEqual([
    '/api/v3/app/installations/1/access_tokens',
    '/api/v3/repos/org/repo/statuses/x',
  ]);
});
