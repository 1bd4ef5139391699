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
import { type SourceBed, startSourceBed } from '../source-bed.ts';
import { type Content, pushContent, verifiedOf } from './signed.ts';

let bed: SourceBed;
let registry: Registry;
let cosign: Cosign;
let sigstore: Sigstore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const who = { subject: 'https://ci.example.com/team/app', issuer: 'https://issuer.example.com' };
const identity = {
  issuer: '^https://issuer\\.example\\.com$',
  subject: '^https://ci\\.example\\.com/team/',
};
const formats: CosignFormat[] = ['bundle', 'simple'];
const signed = new Map<CosignFormat, Content>();

const missing = cosignIsMissing();

describe.skipIf(missing)(`${missing ?? 'signatures of cosign without keys'}`, () => {
  beforeAll(async () => {
    folder = await temporaryFolder('trusted-root');
    [registry, cosign, sigstore] = await Promise.all([
      startRegistry(),
      startCosign(),
      startSigstore(),
    ]);
    const rootFile = join(folder.path, 'trusted_root.json');
    await writeFile(rootFile, sigstore.trustedRoot);
    bed = await startSourceBed({ extraArgs: [`--sigstore-trusted-root=${rootFile}`] });
    const other = await startSigstore();
    await Promise.all([
      bed.createSecret('root', { 'trusted_root.json': sigstore.trustedRoot }),
      bed.createSecret('ended-root', { 'trusted_root.json': sigstore.endedRoot }),
      bed.createSecret('other-root', { 'trusted_root.json': other.trustedRoot }),
      bed.createSecret('bad-root', { 'trusted_root.json': '{"tlogs": 1}' }),
      other.stop(),
    ]);
    for (const format of formats) {
      const content = await pushContent(registry, `${format}/app`, `${format}\n`);
      await cosign.signKeyless(content.reference, who, { sigstore, format });
      signed.set(format, content);
    }
  });

  afterAll(async () => {
    await Promise.all([bed?.stop(), registry?.stop(), cosign?.stop(), sigstore?.stop()]);
    await folder?.remove();
  });

  const create = (name: string, { repository, tag }: Content, verify: object) =>
    bed.createOci(name, {
      url: `${registry.ociUrl}/${repository}`,
      insecure: true,
      ref: { tag },
      verify: { provider: 'cosign', ...verify },
    });

  describe.each(formats)('content that somebody signed without a key, in the form %s', (format) => {
    const content = () => signed.get(format) as Content;

    it('is pulled when who signed is one of the identities', async () => {
      const object = await create(`${format}-good`, content(), {
        trustedRootSecretRef: { name: 'root' },
        matchOIDCIdentity: [{ issuer: 'x', subject: 'x' }, identity],
      });
      const ready = await bed.ready(object);
      expect(verifiedOf(ready)).toEqual({
        status: 'True',
        reason: 'Succeeded',
        message: `verified signature of revision latest@${content().digest}, made by '${who.subject}' of issuer '${who.issuer}'`,
      });
    });

    it('is verified with the trust root of the controller when the object names none', async () => {
      const object = await create(`${format}-default`, content(), {
        matchOIDCIdentity: [identity],
      });
      expect(verifiedOf(await bed.ready(object)).status).toBe('True');
    });

    it.each([
      {
        name: 'subject',
        verify: {
          matchOIDCIdentity: [{ ...identity, subject: '^https://ci\\.example\\.com/other/' }],
        },
        message: /whom spec\.verify\.matchOIDCIdentity does not name$/,
      },
      {
        name: 'issuer',
        verify: { matchOIDCIdentity: [{ ...identity, issuer: '^https://example\\.com$' }] },
        message: /whom spec\.verify\.matchOIDCIdentity does not name$/,
      },
      {
        name: 'other-root',
        verify: { trustedRootSecretRef: { name: 'other-root' } },
        message: /no matching signatures were found/,
      },
      {
        name: 'ended-root',
        verify: { trustedRootSecretRef: { name: 'ended-root' } },
        message: /no matching signatures were found/,
      },
      {
        name: 'bad-root',
        verify: { trustedRootSecretRef: { name: 'bad-root' } },
        message: /secret 'bad-root': the trust root cannot be read/,
      },
    ])('is refused: $name', async ({ name, verify, message }) => {
      const object = await create(`${format}-${name}`, content(), verify);
      const failed = await bed.failed(object, 'VerificationError');
      expect(failed.status?.artifact).toBeUndefined();
      expect(verifiedOf(failed).message).toMatch(message);
      expect(verifiedOf(failed).message).toContain("using provider 'cosign keyless'");
    });
  });

  it('a signature without an entry in the log does not count without a key', async () => {
    await cosign.generateKey('key');
    const content = await pushContent(registry, 'key/app', 'key\n');
    await cosign.sign(content.reference, 'key', 'bundle');
    const failed = await bed.failed(
      await create('by-key', content, { matchOIDCIdentity: [identity] }),
      'VerificationError',
    );
    expect(verifiedOf(failed).message).toContain('it was made with a key of its own');
  });
});
