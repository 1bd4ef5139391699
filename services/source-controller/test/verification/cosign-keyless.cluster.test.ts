import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Cosign,
  type CosignFormat,
  cosignIsMissing,
  type Registry,
  type Sigstore,
  startCosign,
  startRegistry,
  startSigstore,
  temporaryFolder,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';
import { makeSignatures, who } from './fixtures.ts';
import {
  type Content,
  copyTag,
  pushContent,
  pushSignature,
  specOf,
  tagOf,
  verifiedOf,
} from './signed.ts';

let bed: SourceBed;
let registry: Registry;
let cosign: Cosign;
let sigstore: Sigstore;
let others: Sigstore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

const identity = { issuer: '^https://issuer\\.example\\.com$', subject: '/team/app$' };
const keyless = { provider: 'cosign' as const, matchOIDCIdentity: [identity] };
const verify = { ...keyless, trustedRootSecretRef: { name: 'root' } };

beforeAll(async () => {
  [folder, registry, cosign, sigstore, others] = await Promise.all([
    temporaryFolder('keyless'),
    startRegistry(),
    startCosign(),
    startSigstore(),
    startSigstore(),
  ]);
  const rootFile = join(folder.path, 'trusted_root.json');
  await writeFile(rootFile, sigstore.trustedRoot);
  bed = await startSourceBed({ extraArgs: [`--sigstore-trusted-root=${rootFile}`] });
  await bed.createSecret('root', { 'trusted_root.json': sigstore.trustedRoot });
  await bed.createSecret('ended-root', { 'trusted_root.json': sigstore.endedRoot });
  await bed.createSecret('other-root', { 'trusted_root.json': others.trustedRoot });
  await bed.createSecret('no-root', { 'trusted_root.json': 'no JSON' });
});

afterAll(async () => {
  const servers = [bed, registry, cosign, sigstore, others];
  await Promise.all(servers.map((server) => server?.stop()));
  await folder?.remove();
});

const create = (name: string, content: Content, more: object = {}) =>
  bed.createOci(name, { ...specOf(registry, content), verify, ...more });

interface Maker {
  by: string;
  missing?: string;
  sign(content: Content, format: CosignFormat): Promise<void>;
}

const makers: Maker[] = [
  {
    by: 'cosign',
    missing: cosignIsMissing(),
    sign: (content, format) => cosign.signAs(who, content.reference, sigstore, format),
  },
  {
    by: 'somebody in the form of cosign',
    async sign(content, format) {
      const { signatures } = await makeSignatures(sigstore, content.digest);
      for (const { by, signature } of signatures) {
        if (by === 'identity' && signature.format === format)
          await pushSignature(registry, content, signature);
      }
    },
  },
];

const cases = makers.flatMap((maker, index) =>
  (['bundle', 'simple'] as const).map((format) => ({
    ...maker,
    format,
    prefix: `${['real', 'own'][index]}-${format}`,
  })),
);

describe.each(cases)('content signed without a key by $by, in the form $format', (made) => {
  const { missing, prefix, format, sign } = made;
  const push = async (name: string) => {
    const content = await pushContent(registry, `${prefix}/${name}`, `${name}\n`);
    await sign(content, format);
    return content;
  };

  it.skipIf(missing)('is pulled when identity and trust root fit', async () => {
    const content = await push('good');
    const ready = await bed.ready(await create(`${prefix}-good`, content));
    expect(await filesOf(ready.status?.artifact)).toEqual({ 'a.yaml': 'good\n' });
    expect(verifiedOf(ready)).toEqual({
      status: 'True',
      reason: 'Succeeded',
      message: `verified signature of revision latest@${content.digest}, made by '${who.subject}' of issuer '${who.issuer}'`,
    });
  });

  it.skipIf(missing)('is pulled by the trust root of the controller', async () => {
    const more = { verify: keyless };
    const ready = await bed.ready(await create(`${prefix}-flag`, await push('flag'), more));
    expect(verifiedOf(ready).status).toBe('True');
  });

  it.skipIf(missing).each<{ name: string; more: object; message: RegExp }>([
    {
      name: 'subject',
      more: { matchOIDCIdentity: [{ ...identity, subject: '^other$' }] },
      message: /whom spec\.verify\.matchOIDCIdentity does not name$/,
    },
    {
      name: 'issuer',
      more: { matchOIDCIdentity: [{ ...identity, issuer: '^other$' }] },
      message: /whom spec\.verify\.matchOIDCIdentity does not name$/,
    },
    {
      name: 'ended-authority',
      more: { trustedRootSecretRef: { name: 'ended-root' } },
      message: /no matching signatures were found/,
    },
    {
      name: 'other-authority',
      more: { trustedRootSecretRef: { name: 'other-root' } },
      message: /no matching signatures were found/,
    },
    {
      name: 'broken-root',
      more: { trustedRootSecretRef: { name: 'no-root' } },
      message: /secret 'no-root': the trust root cannot be read/,
    },
  ])('is refused, and not stored: $name', async ({ name, more, message }) => {
    const object = await create(`${prefix}-${name}`, await push(name), {
      verify: { ...verify, ...more },
    });
    const failed = await bed.failed(object, 'VerificationError');
    expect(verifiedOf(failed)).toMatchObject({
      status: 'False',
      reason: 'VerificationError',
      message: expect.stringMatching(message),
    });
    expect(failed.status?.artifact).toBeUndefined();
  });

  it.skipIf(missing)('does not vouch for other content', async () => {
    const content = await push('moved');
    const other = await pushContent(registry, content.repository, 'evil\n', 'evil');
    const ending = format === 'simple' ? '.sig' : '';
    const tag = (one: Content) => `${tagOf(one)}${ending}`;
    await copyTag(registry, content.repository, tag(content), tag(other));
    const failed = await bed.failed(await create(`${prefix}-moved`, other), 'VerificationError');
    expect(verifiedOf(failed).message).toContain(`it was signed for ${content.digest}`);
  });
});

it('is refused when nobody signed it', async () => {
  const content = await pushContent(registry, 'unsigned/app', 'unsigned\n');
  const failed = await bed.failed(await create('unsigned', content), 'VerificationError');
  expect(verifiedOf(failed).message).toMatch(/: it is not signed$/);
});
