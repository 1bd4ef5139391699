import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Registry,
  type Sigstore,
  startRegistry,
  startSigstore,
  temporaryFolder,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesOf, type SourceBed, startSourceBed } from '../../source-bed.ts';
import { makeSignatures } from '../fixtures.ts';
import { type Content, pushContent, pushSignature, verifiedOf } from '../signed.ts';
import { startTufRepository, type TufRepository } from './tuf-repository.ts';

let bed: SourceBed;
let registry: Registry;
let sigstore: Sigstore;
let repository: TufRepository;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [folder, registry, sigstore, repository] = await Promise.all([
    temporaryFolder('public-root'),
    startRegistry(),
    startSigstore(),
    startTufRepository(),
  ]);
  repository.publish(sigstore.trustedRoot);
  await writeFile(join(folder.path, 'root.json'), repository.firstRoot);
  bed = await startSourceBed({ extraArgs: flagsFor(repository.url, 'cache') });
});

afterAll(async () => {
  const servers = [bed, registry, sigstore, repository];
  await Promise.all(servers.map((server) => server?.stop()));
  await folder?.remove();
});

function flagsFor(mirror: string, cache: string): string[] {
  return [
    `--sigstore-tuf-mirror=${mirror}`,
    `--sigstore-tuf-root=${join(folder.path, 'root.json')}`,
    `--sigstore-tuf-cache=${join(folder.path, cache)}`,
  ];
}

async function signedContent(name: string): Promise<Content> {
  const content = await pushContent(registry, `public/${name}`, `${name}\n`);
  const { signatures } = await makeSignatures(sigstore, content.digest);
  for (const { by, signature } of signatures) {
    if (by === 'identity' && signature.format === 'bundle')
      await pushSignature(registry, content, signature);
  }
  return content;
}

const create = (by: SourceBed, name: string, { repository: path, tag }: Content, issuer: string) =>
  by.createOci(name, {
    url: `${registry.ociUrl}/${path}`,
    insecure: true,
    ref: { tag },
    verify: { provider: 'cosign', matchOIDCIdentity: [{ issuer, subject: '/team/app$' }] },
  });

it('counts for keyless signatures where an object names none', async () => {
  const good = await create(bed, 'good', await signedContent('good'), 'issuer');
  const ready = await bed.ready(good);
  expect(await filesOf(ready.status?.artifact)).toEqual({ 'a.yaml': 'good\n' });
  expect(verifiedOf(ready).status).toBe('True');
  const wrong = await create(bed, 'wrong', await signedContent('wrong'), 'other');
  const failed = await bed.failed(wrong, 'VerificationError');
  expect(verifiedOf(failed).message).toContain('whom spec.verify.matchOIDCIdentity does not name');
  expect(repository.requests.filter((name) => name === 'timestamp.json')).toHaveLength(1);
});

it('that cannot be fetched is said, and nothing is stored', async () => {
  const away = await startTufRepository();
  await away.stop();
  const other = await startSourceBed({ extraArgs: flagsFor(away.url, 'empty') });
  try {
    const object = await create(other, 'away', await signedContent('away'), 'issuer');
    const failed = await other.failed(object, 'VerificationError');
    expect(verifiedOf(failed).message).toMatch(
      /^the public trust root cannot be fetched from .*ECONNREFUSED.*--sigstore-trusted-root$/,
    );
    expect(failed.status?.artifact).toBeUndefined();
  } finally {
    await other.stop();
  }
});
