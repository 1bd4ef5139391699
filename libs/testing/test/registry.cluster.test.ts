import { createHash } from 'node:crypto';
import { type Registry, startRegistry } from '@sluice/testing';
import { afterEach, expect, test } from 'vitest';

let registry: Registry;

afterEach(() => registry.stop());

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

function get(path: string, authorization?: string): Promise<Response> {
  const headers = { accept: manifestType, ...(authorization ? { authorization } : {}) };
  return fetch(`http://${registry.host}${path}`, { headers });
}

const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;

test('a pushed artifact can be pulled by tag, with its layers and annotations', async () => {
  registry = await startRegistry();
  const digest = await registry.pushArtifact({
    repository: 'team/app',
    tag: 'v1',
    layers: [{ mediaType: 'application/x', data: 'content' }],
    configMediaType: 'application/vnd.cncf.flux.config.v1+json',
    annotations: { 'org.opencontainers.image.revision': 'main@sha1:abc' },
  });
  const reply = await get('/v2/team/app/manifests/v1');
  const text = await reply.text();
  expect(`sha256:${createHash('sha256').update(text).digest('hex')}`).toBe(digest);
  const manifest = JSON.parse(text);
  expect(manifest.annotations).toEqual({ 'org.opencontainers.image.revision': 'main@sha1:abc' });
  expect(manifest.config.mediaType).toBe('application/vnd.cncf.flux.config.v1+json');
  const blob = await get(`/v2/team/app/blobs/${manifest.layers[0].digest}`);
  expect(await blob.text()).toBe('content');
});

test('a referrer names its subject', async () => {
  registry = await startRegistry();
  const subject = await registry.push({ repository: 'a', tag: 'v1', layers: [] });
  const artifactType = 'application/sig';
  const digest = await registry.pushArtifact({
    repository: 'a',
    layers: [],
    artifactType,
    subject,
  });
  const manifest = await (await get(`/v2/a/manifests/${digest}`)).json();
  expect(manifest).toMatchObject({ artifactType, subject });
});

test('basic credentials are asked for and accepted', async () => {
  registry = await startRegistry({ auth: { username: 'me', password: 's3cret' } });
  await registry.pushArtifact({ repository: 'a', tag: 'v1', layers: [] });
  const refused = await get('/v2/a/manifests/v1');
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
  expect((await get('/v2/a/manifests/v1', basic)).status).toBe(200);
});

test('a token is asked for, given for the credentials, and accepted', async () => {
  registry = await startRegistry({ auth: { username: 'me', password: 's3cret', via: 'token' } });
  await registry.pushArtifact({ repository: 'a', tag: 'v1', layers: [] });
  const challenge = (await get('/v2/a/manifests/v1', basic)).headers.get('www-authenticate');
  expect(challenge).toContain(`realm="http://${registry.host}/token"`);
  expect((await get('/token')).status).toBe(401);
  const { token } = (await (await get('/token', basic)).json()) as { token: string };
  expect((await get('/v2/a/manifests/v1', `Bearer ${token}`)).status).toBe(200);
});

test('a hook can answer in place of the registry', async () => {
  registry = await startRegistry();
  registry.onRequest = (_request, response) => {
    response.writeHead(429, { 'retry-after': '3' }).end();
    return true;
  };
  const reply = await get('/v2/');
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '3']);
});
