import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GitRepository, HelmChart, HelmRepository, OCIRepository } from '@sluice/shared/api';
import { type Canary, type GitServer, startCanary, startGitServer } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, type SourceBed, startSourceBed } from './source-bed.ts';

type Source = GitRepository | OCIRepository | HelmRepository | HelmChart;

// 127.0.0.1 stands for a server out on the Internet, all else of this machine for what is out of bounds.
let bed: SourceBed;
let git: GitServer;
let outside: Server;
let canary: Canary;
let at: string;

const hosts = ['127.0.0.9', '[::1]', '0.0.0.0', '[::ffff:7f00:9]', '[fe80::1]'];
const inside = (host = '127.0.0.9') => `${host}:${canary.port}`;

beforeAll(async () => {
  canary = await startCanary();
  outside = createServer(({ url = '' }, response) => {
    if (url.startsWith('/redirect/')) {
      response.writeHead(302, { location: `http://${inside()}${url.slice(9)}` }).end();
    } else if (url === '/charts/index.yaml') {
      const chart = `{apiVersion: v2, name: app, version: 1.0.0, urls: ["http://${inside()}/app.tgz"]}`;
      response.end(`apiVersion: v1\nentries:\n  app: [${chart}]\n`);
    } else {
      const realm = `Bearer realm="http://${inside()}/token"`;
      response.writeHead(401, { 'www-authenticate': realm }).end();
    }
  });
  outside.listen(0, '127.0.0.1');
  await once(outside, 'listening');
  at = `127.0.0.1:${(outside.address() as AddressInfo).port}`;
  const extraArgs = ['--allow-addresses=127.0.0.1'];
  [bed, git] = await Promise.all([
    startSourceBed({ localNetwork: false, extraArgs }),
    startGitServer(),
  ]);
});
afterAll(async () => {
  await Promise.all([bed?.stop(), git?.stop()]);
  outside?.closeAllConnections();
  outside?.close();
  await canary?.close();
});
// Whatever a test did, nothing may have arrived.
afterEach(() => expect(canary.reached()).toBe(0));

/** Waits for the failure, which must name the field and the host. */
async function refused(object: Source, reason: string, host = '127.0.0.9', field = 'spec.url') {
  const failed = await bed.failed(object, reason);
  const role = field === 'spec.url' ? 'host' : 'proxy';
  expect(conditionOf(failed, 'Ready')?.message).toMatch(
    new RegExp(`${field} leads to a refused address: ${role} '${host}' has a[n]? .* address`),
  );
}

describe('at a refused address, nothing is asked by', () => {
  it.each(hosts)('a GitRepository at %s', async (host) => {
    const url = `http://${inside(host)}/app.git`;
    const { hostname } = new URL(url);
    const object = await bed.createGit(`git-${hosts.indexOf(host)}`, { url });
    await refused(object, 'GitOperationFailed', hostname.replace(/[[\]]/g, ''));
  });

  it('a GitRepository that is redirected', async () => {
    const url = `http://${at}/redirect/app.git`;
    await refused(await bed.createGit('git-redirect', { url }), 'GitOperationFailed');
  });

  it('a GitRepository with a proxy', async () => {
    await bed.createSecret('proxy', { address: `http://${inside()}` });
    const url = 'http://git.example.com/app.git';
    const object = await bed.createGit('git-proxy', { url, proxySecretRef: { name: 'proxy' } });
    await refused(object, 'GitOperationFailed', '127.0.0.9', 'spec.proxySecretRef');
  });

  it.each(hosts)('an OCIRepository at %s', async (host) => {
    const url = `oci://${inside(host)}/org/app`;
    const hostname = new URL(`http://${inside(host)}`).hostname.replace(/[[\]]/g, '');
    const object = await bed.createOci(`oci-${hosts.indexOf(host)}`, { url, insecure: true });
    await refused(object, 'OCIArtifactPullFailed', hostname);
  });

  it('an OCIRepository whose registry names a token server', async () => {
    const url = `oci://${at}/org/app`;
    const object = await bed.createOci('oci-realm', { url, insecure: true });
    await refused(object, 'OCIArtifactPullFailed');
  });

  it('a HelmRepository, straight and redirected', async () => {
    const direct = await bed.createHelm('helm', { url: `http://${inside()}/charts` });
    await refused(direct, 'Failed');
    const url = `http://${at}/redirect/charts`;
    await refused(await bed.createHelm('helm-redirect', { url }), 'Failed');
  });

  it('a HelmChart whose index lists it there', async () => {
    await bed.ready(await bed.createHelm('index', { url: `http://${at}/charts` }));
    const sourceRef = { kind: 'HelmRepository' as const, name: 'index' };
    const object = await bed.createChart('chart', { chart: 'app', version: '1.0.0', sourceRef });
    await refused(object, 'ChartPullError');
  });

  it('a HelmChart of a registry', async () => {
    const url = `oci://${inside()}/charts`;
    await bed.createHelm('registry', { type: 'oci', url, insecure: true });
    const sourceRef = { kind: 'HelmRepository' as const, name: 'registry' };
    const object = await bed.createChart('oci-chart', {
      chart: 'app',
      version: '1.0.0',
      sourceRef,
    });
    await refused(object, 'ChartPullError');
  });

  it('a HelmChart with a dependency', async () => {
    const repo = await git.createRepo('parent');
    const dependency = `{name: app, version: 1.0.0, repository: "http://${inside()}/charts"}`;
    const chart = `apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies: [${dependency}]\n`;
    await repo.commit({ files: { 'parent/Chart.yaml': chart }, message: 'Parent' });
    const source = await bed.createGit('parent', {
      url: git.url('parent'),
      ref: { branch: 'main' },
    });
    await bed.ready(source);
    const sourceRef = { kind: 'GitRepository' as const, name: 'parent' };
    const object = await bed.createChart('parent', { chart: './parent', sourceRef });
    const failed = await bed.until(object, (o) => conditionOf(o, 'Ready')?.status === 'False');
    expect(conditionOf(failed, 'Ready')?.message).toContain("host '127.0.0.9' has a loopback");
  });
});
