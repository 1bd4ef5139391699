import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePorts, type GitServer, startGitServer } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const canary = 'canary-7f3a9c';
const login = { username: 'git', password: canary };

let bed: SourceBed;
let plain: GitServer;
let secure: GitServer;

beforeAll(async () => {
  [bed, plain, secure] = await Promise.all([
    startSourceBed(),
    startGitServer({ auth: login }),
    startGitServer({ tls: true }),
  ]);
  for (const server of [plain, secure]) await server.createRepo('app', { 'a.yaml': 'a: 1\n' });
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), plain?.stop(), secure?.stop()]);
  expect(log).not.toContain(canary);
});

const main = { branch: 'main' };

describe('credentials of a GitRepository', () => {
  it('logs in with username and password', async () => {
    await bed.createSecret('good', login);
    const secretRef = { name: 'good' };
    await bed.ready(await bed.createGit('good', { url: plain.url('app'), ref: main, secretRef }));
  });

  it('fails without credentials or with wrong ones, and recovers when the Secret is corrected', async () => {
    const none = await bed.createGit('none', { url: plain.url('app'), ref: main });
    const failed = await bed.failed(none, 'AuthenticationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain('authentication required');

    await bed.createSecret('late', { username: 'git', password: `${canary}-wrong` });
    const secretRef = { name: 'late' };
    const wrong = await bed.createGit('wrong', { url: plain.url('app'), ref: main, secretRef });
    const refused = await bed.failed(wrong, 'AuthenticationFailed');
    expect(JSON.stringify(refused.status)).not.toContain(canary);

    plain.setAuth({ username: 'git', password: `${canary}-wrong` });
    await bed.ready(wrong);
    plain.setAuth(login);
  });

  it('logs in with a bearer token', async () => {
    plain.setAuth({ bearerToken: canary });
    await bed.createSecret('bearer', { bearerToken: canary });
    const secretRef = { name: 'bearer' };
    await bed.ready(await bed.createGit('bearer', { url: plain.url('app'), ref: main, secretRef }));
    plain.setAuth(login);
  });

  it('names a Secret that is missing, and one that is incomplete', async () => {
    const url = plain.url('app');
    const missing = await bed.createGit('missing', { url, secretRef: { name: 'nowhere' } });
    const failed = await bed.failed(missing, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toBe(
      `failed to get secret '${bed.namespace}/nowhere' named by spec.secretRef: it does not exist`,
    );

    await bed.createSecret('half', { username: 'git' });
    const half = await bed.createGit('half', { url, secretRef: { name: 'half' } });
    const incomplete = await bed.failed(half, 'AuthenticationFailed');
    expect(conditionOf(incomplete, 'Ready')?.message).toContain('both username and password');
  });

  it('passes values through unharmed, whatever they look like', async () => {
    const odd = { username: '-o ProxyCommand', password: '$(touch /tmp/x);`id` "ä" %20' };
    plain.setAuth(odd);
    await bed.createSecret('odd', odd);
    const secretRef = { name: 'odd' };
    await bed.ready(await bed.createGit('odd', { url: plain.url('app'), ref: main, secretRef }));
    plain.setAuth(login);
  });
});

describe('the server of a GitRepository', () => {
  it('is trusted by the authority in the Secret only', async () => {
    const url = secure.url('app');
    const unknown = await bed.createGit('unknown-ca', { url, ref: main });
    await bed.failed(unknown, 'GitOperationFailed');

    await bed.createSecret('ca', { 'ca.crt': secure.ca ?? '' });
    const secretRef = { name: 'ca' };
    await bed.ready(await bed.createGit('known-ca', { url, ref: main, secretRef }));
  });

  it('may be away, and come back', async () => {
    const [port = 0] = await freePorts(1);
    const object = await bed.createGit('away', { url: `http://127.0.0.1:${port}/app.git` });
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('ECONNREFUSED');

    await bed.patchSpec(object, { url: plain.url('app'), ref: main, secretRef: { name: 'good' } });
    await bed.ready(object);
  });

  it('may stall; spec.timeout ends it', async () => {
    let release = () => undefined as unknown;
    plain.onRequest = (request) =>
      request.path.startsWith('/stalls')
        ? new Promise((resolve) => {
            release = () => resolve(true);
          })
        : Promise.resolve(false);
    const url = plain.url('stalls');
    const secretRef = { name: 'good' };
    const object = await bed.createGit('stalls', { url, timeout: '300ms', secretRef });
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('300ms, the limit of spec.timeout');
    plain.onRequest = undefined;
    release();
  });

  it('gets no credentials after a redirect to another host', async () => {
    const seen: (string | undefined)[] = [];
    const other: Server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    plain.onRequest = async (request, response) => {
      if (!request.path.startsWith('/moved')) return false;
      response.writeHead(302, { location: `http://127.0.0.1:${port}${request.path}` }).end();
      return true;
    };
    const secretRef = { name: 'good' };
    const object = await bed.createGit('moved', { url: plain.url('moved'), secretRef });
    await bed.failed(object, 'GitOperationFailed');

    plain.onRequest = undefined;
    await new Promise((resolve) => other.close(resolve));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((value) => value === undefined)).toBe(true);
  });
});
