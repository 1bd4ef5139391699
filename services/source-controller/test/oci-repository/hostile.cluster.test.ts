import { gzipSync } from 'node:zlib';
import { type Registry, startRegistry } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarGz } from '../archives.ts';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const mediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const maxBytes = 1024 * 1024;
const layerFailed = 'OCIArtifactLayerOperationFailed';
const pullFailed = 'OCIArtifactPullFailed';

let bed: SourceBed;
let registry: Registry;

beforeAll(async () => {
  [bed, registry] = await Promise.all([
    startSourceBed({ extraArgs: [`--artifact-max-size=${maxBytes}`] }),
    startRegistry(),
  ]);
});

afterAll(() => Promise.all([bed?.stop(), registry?.stop()]));

const create = (name: string) =>
  bed.createOci(name, {
    url: `${registry.ociUrl}/hostile/${name}`,
    insecure: true,
    ref: { tag: 'latest' },
  });

const pushLayer = (name: string, data: Uint8Array) =>
  registry.pushArtifact({
    repository: `hostile/${name}`,
    tag: 'latest',
    layers: [{ mediaType, data }],
  });

async function refused(name: string, reason: string): Promise<string | undefined> {
  const failed = await bed.failed(await create(name), reason);
  expect(failed.status?.artifact).toBeUndefined();
  return conditionOf(failed, 'Ready')?.message;
}

const good = { path: 'good.yaml', content: 'good: 1\n' };

describe('a layer', () => {
  it.each<{ name: string; data: Buffer; message: RegExp }>([
    {
      name: 'above',
      data: tarGz([good, { path: '../evil', content: 'x' }]),
      message: /\.\.\/evil/,
    },
    { name: 'absolute', data: tarGz([good, { path: '/etc/evil', content: 'x' }]), message: /evil/ },
    {
      name: 'far-above',
      data: tarGz([good, { path: 'a/../../../evil', content: 'x' }]),
      message: /evil/,
    },
    { name: 'no-gzip', data: Buffer.from('no archive'), message: /gzip|header/ },
    { name: 'no-tar', data: gzipSync('no archive'), message: /tar|archive/ },
    {
      name: 'cut-off',
      data: tarGz([{ path: 'a', content: 'x'.repeat(5000) }]).subarray(0, 60),
      message: /end|cut|gzip/,
    },
    {
      name: 'bomb',
      data: tarGz([{ path: 'a', content: 'x'.repeat(maxBytes + 1) }]),
      message: /1048576|1 MiB/,
    },
    {
      name: 'many-files',
      data: tarGz(
        Array.from({ length: 3 }, (_, at) => ({ path: `${at}`, content: 'x'.repeat(400_000) })),
      ),
      message: /1048576|1 MiB/,
    },
  ])('that is hostile is refused, and nothing of it stored: $name', async (given) => {
    const { name, data, message } = given;
    await pushLayer(name, data);
    expect(await refused(name, layerFailed)).toMatch(message);
  });
});

describe('a layer of zeros', () => {
  it('is an archive without files, and is not kept in memory', async () => {
    await pushLayer('zeros', gzipSync(Buffer.alloc(256 * maxBytes), { level: 1 }));
    const ready = await bed.ready(await create('zeros'));
    expect(await filesOf(ready.status?.artifact)).toEqual({});
  });
});

describe('a registry', () => {
  /** Answers every request for manifests, or for blobs, of one repository. */
  const lie = (name: string, kind: 'manifests' | 'blobs', body: string | Buffer) => {
    registry.onRequest = ({ path }, response) => {
      if (!path.startsWith(`/v2/hostile/${name}/${kind}/`)) return false;
      const headers = { 'content-type': manifestType, 'docker-content-digest': digest };
      response.writeHead(200, kind === 'manifests' ? headers : {}).end(body);
      return true;
    };
  };
  const digest = `sha256:${'1'.repeat(64)}`;
  const manifest = (layers: unknown) =>
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: {}, layers });

  it.each<{ name: string; body: string | Buffer; message: RegExp }>([
    { name: 'other-manifest', body: manifest([]), message: /other content than that of sha256:1/ },
    { name: 'html', body: '<html>login</html>', message: /other content than that of sha256:1/ },
    { name: 'endless-manifest', body: Buffer.alloc(5 * maxBytes, ' '), message: /is over 4194304/ },
  ])('that sends another manifest is not believed: $name', async ({ name, body, message }) => {
    lie(name, 'manifests', body);
    const said = await refused(name, pullFailed);
    registry.onRequest = undefined;
    expect(said).toMatch(message);
  });

  it.each<{ name: string; sent: (layer: Buffer) => Buffer; message: RegExp }>([
    {
      name: 'other-layer',
      sent: () => tarGz([{ path: 'evil.yaml', content: 'evil: 1\n' }]),
      message: /sha256|bytes/,
    },
    {
      name: 'longer-layer',
      sent: (layer) => Buffer.concat([layer, Buffer.alloc(10)]),
      message: /other content than that of sha256/,
    },
  ])('that sends another layer is not believed: $name', async ({ name, sent, message }) => {
    const layer = tarGz([good]);
    await pushLayer(name, layer);
    lie(name, 'blobs', sent(layer));
    const said = await refused(name, pullFailed);
    registry.onRequest = undefined;
    expect(said).toMatch(message);
  });

  it('whose artifact has no layer, or one that names no digest, is told so', async () => {
    await registry.pushArtifact({ repository: 'hostile/no-layer', tag: 'latest', layers: [] });
    expect(await refused('no-layer', layerFailed)).toContain('no layers found in artifact');
  });
});
