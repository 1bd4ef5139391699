import { generateKeyPairSync } from 'node:crypto';
import {
  createCertificateAuthority,
  type GitServer,
  receiveWebhooks,
  startGitServer,
  type WebhookReceiver,
} from '@sluice/testing';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const canary = 'canary-31d5';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const githubAppPrivateKey = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const main = { branch: 'main' };

let bed: SourceBed;
let git: GitServer;
/** Stands in for GitHub. */
let github: WebhookReceiver;

beforeAll(async () => {
  [bed, git, github] = await Promise.all([
    startSourceBed({ extraArgs: ['--feature-gates=ObjectLevelWorkloadIdentity=true'] }),
    startGitServer({ auth: { username: 'x-access-token', password: canary } }),
    receiveWebhooks(),
  ]);
  await git.createRepo('app', { 'a.yaml': 'a: 1\n' });
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), git?.stop(), github?.close()]);
  expect(log).not.toContain(canary);
});

async function createWith(name: string, secret: Record<string, string>, provider?: 'github') {
  const given = { githubAppID: '7', githubAppPrivateKey, githubAppBaseURL: `${github.url}/api/v3` };
  await bed.createSecret(name, { ...given, ...secret });
  const spec = { url: git.url('app'), ref: main, secretRef: { name } };
  return bed.createGit(name, { ...spec, ...(provider && { provider }) });
}

describe('a GitRepository', () => {
  test('logs in as the installation of a GitHub App, whose token it keeps', async () => {
    github.respond(({ method, path }) =>
      method === 'GET'
        ? { status: path.includes('/orgs/me/') ? 200 : 404, body: '{"id":9}' }
        : {
            status: 201,
            body: JSON.stringify({ token: canary, expires_at: '2096-01-01T00:00:00Z' }),
          },
    );
    const object = await createWith('app', { githubAppInstallationOwner: 'me' }, 'github');
    await bed.ready(object);
    await bed.request(object);
    expect(github.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v3/orgs/me/installation',
      'POST /api/v3/app/installations/9/access_tokens',
    ]);
    const [, claim = ''] = github.requests[1]?.headers['authorization']?.split(' ') ?? [];
    const { payload } = await jwtVerify(claim, publicKey);
    expect(payload.iss).toBe('7');
  });

  test('says why GitHub gives no token', async () => {
    github.respond({ status: 401, body: '{"message":"A JSON web token could not be decoded"}' });
    const object = await createWith('bad-app', { githubAppInstallationID: '8' }, 'github');
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain(
      'refused a login with status 401: A JSON web token could not be decoded',
    );
  });

  test('does not leave a GitHub App unused', async () => {
    const object = await createWith('unused', { githubAppInstallationID: '8' });
    const failed = await bed.failed(object, 'InvalidProviderConfiguration');
    expect(conditionOf(failed, 'Ready')?.message).toContain('set spec.provider to github');
  });

  test('logs in as a service account to Azure DevOps only, and says what the account lacks', async () => {
    const spec = { ref: main, provider: 'azure' as const, serviceAccountName: 'nobody' };
    const url = 'https://dev.azure.com/org/project/_git/app';
    const object = await bed.createGit('azure', { ...spec, url });
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain(
      `failed to get service account '${bed.namespace}/nobody': it does not exist`,
    );
    for (const [name, elsewhere] of [
      ['azure-plain', 'http://dev.azure.com/org/project/_git/app'],
      ['azure-evil', 'https://dev.azure.com.example.com/org/project/_git/app'],
    ] as const) {
      const evil = await bed.createGit(name, { ...spec, url: elsewhere });
      await bed.failed(evil, 'URLInvalid');
    }
  });

  test('gets no token of the controller for an authority that its Secret names', async () => {
    const { cert } = await createCertificateAuthority('other-ca');
    await bed.createSecret('ca', { 'ca.crt': cert });
    const url = 'https://dev.azure.com/org/project/_git/app';
    const spec = { url, ref: main, provider: 'azure' as const, secretRef: { name: 'ca' } };
    const failed = await bed.failed(await bed.createGit('exposed', spec), 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain(
      "the controller's identity is not used with a CA that the object names",
    );
  });

  test('logs in to CodeCommit only', async () => {
    const url = 'https://git-codecommit.eu-west-1.amazonaws.com.example.com/v1/repos/app';
    const object = await bed.createGit('aws', { url, ref: main, provider: 'aws' });
    const failed = await bed.failed(object, 'URLInvalid');
    expect(conditionOf(failed, 'Ready')?.message).toContain('no repository of AWS CodeCommit');
  });
});
