import {
  type Cosign,
  type CosignFormat,
  cosignIsMissing,
  type Registry,
  startCosign,
  startRegistry,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';
import {
  type Content,
  copyTag,
  manifestOf,
  pushContent,
  specOf,
  tagOf,
  verifiedOf,
} from './signed.ts';

let bed: SourceBed;
let registry: Registry;
let cosign: Cosign;
let wrongKey: string;
const verify = { provider: 'cosign' as const, secretRef: { name: 'keys' } };
const formats: CosignFormat[] = ['bundle', 'simple'];

const missing = cosignIsMissing();

describe.skipIf(missing)(`${missing ?? 'signatures by keys of cosign'}`, () => {
  beforeAll(async () => {
    [bed, registry, cosign] = await Promise.all([startSourceBed(), startRegistry(), startCosign()]);
    const key = await cosign.generateKey('key');
    wrongKey = await cosign.generateKey('wrong');
    await bed.createSecret('keys', {
      'first.pub': wrongKey,
      'team.pub': key,
      'note.txt': 'no key',
    });
  });

  afterAll(async () => {
    await Promise.all([bed?.stop(), registry?.stop(), cosign?.stop()]);
  });

  /** Other objects are tried again meanwhile. */
  const requestsOf = ({ repository }: Content) =>
    registry.requests.filter(({ path }) => path.startsWith(`/v2/${repository}/`));

  const create = (name: string, content: Content, more: object = {}) =>
    bed.createOci(name, { ...specOf(registry, content), verify, ...more });

  describe.each(formats)('content signed by cosign in the form %s', (format) => {
    const push = (name: string, text = `${name}\n`) =>
      pushContent(registry, `${format}/${name}`, text);

    it('is pulled when one of the keys in the Secret made the signature', async () => {
      const content = await push('good');
      await cosign.sign(content.reference, 'key', format);
      const ready = await bed.ready(await create(`${format}-good`, content));
      const revision = `latest@${content.digest}`;
      expect(ready.status?.artifact?.revision).toBe(revision);
      expect(await filesOf(ready.status?.artifact)).toEqual({ 'a.yaml': 'good\n' });
      expect(verifiedOf(ready)).toEqual({
        status: 'True',
        reason: 'Succeeded',
        message: `verified signature of revision ${revision}, made by key 'team.pub'`,
      });
      registry.requests.length = 0;
      await bed.request(ready);
      expect(requestsOf(content).map(({ method }) => method)).toEqual(['HEAD']);
    });

    it('is refused when only another key made one', async () => {
      const content = await push('wrong-key');
      await cosign.sign(content.reference, 'key', format);
      await bed.createSecret(`${format}-other-keys`, { 'wrong.pub': wrongKey });
      const more = { verify: { ...verify, secretRef: { name: `${format}-other-keys` } } };
      const failed = await bed.failed(
        await create(`${format}-wrong`, content, more),
        'VerificationError',
      );
      expect(failed.status?.artifact).toBeUndefined();
      expect(verifiedOf(failed)).toEqual({
        status: 'False',
        reason: 'VerificationError',
        message: `failed to verify the signature using provider 'cosign': no matching signatures were found for '${content.reference}': no trusted key made it`,
      });
    });

    it('is refused with the signature of another content', async () => {
      const [signed, other] = await Promise.all([
        pushContent(registry, `${format}/moved`, 'signed\n'),
        pushContent(registry, `${format}/moved`, 'other\n', 'other'),
      ]);
      await cosign.sign(signed.reference, 'key', format);
      const ending = format === 'simple' ? '.sig' : '';
      await copyTag(registry, signed.repository, tagOf(signed) + ending, tagOf(other) + ending);
      const failed = await bed.failed(await create(`${format}-moved`, other), 'VerificationError');
      expect(conditionOf(failed, 'Ready')?.message).toContain(`it was signed for ${signed.digest}`);
    });
  });

  describe('an OCIRepository that has to be signed by cosign', () => {
    it('gets no artifact of unsigned content, and keeps the one that it has', async () => {
      const unsigned = await pushContent(registry, 'turns/app', 'unsigned\n');
      const object = await create('turns', unsigned);
      const failed = await bed.failed(object, 'VerificationError');
      expect(conditionOf(failed, 'Ready')?.message).toMatch(/': it is not signed$/);
      expect(failed.status?.artifact).toBeUndefined();

      await cosign.sign(unsigned.reference, 'key', 'bundle');
      const ready = await bed.ready(object);
      await pushContent(registry, 'turns/app', 'unsigned again\n');
      await bed.request(object);
      const kept = await bed.failed(object, 'VerificationError');
      expect(kept.status?.artifact).toEqual(ready.status?.artifact);
    });

    it('is verified as soon as that is asked for, without another pull', async () => {
      const content = await pushContent(registry, 'later/app', 'later\n');
      await cosign.sign(content.reference, 'key', 'simple');
      const object = await create('later', content, { verify: undefined });
      const before = await bed.ready(object);
      expect(conditionOf(before, 'SourceVerified')).toBeUndefined();
      registry.requests.length = 0;
      await bed.patchSpec(object, { verify });
      const after = await bed.ready(
        await bed.until(object, (o) => verifiedOf(o).status === 'True'),
      );
      expect(after.status?.artifact).toEqual(before.status?.artifact);
      const layer = requestsOf(content).filter(({ path }) => path.includes('/blobs/'));
      expect(layer).toHaveLength(1);
      await bed.patchSpec(object, { verify: null });
      await bed.until(object, (o) => conditionOf(o, 'SourceVerified') === undefined);
    });

    it('finds bundles by the API for referrers, where a registry has it', async () => {
      const content = await pushContent(registry, 'referrers/app', 'referrers\n');
      await cosign.sign(content.reference, 'key', 'bundle');
      const index = JSON.stringify(await manifestOf(registry, content.repository, tagOf(content)));
      registry.onRequest = ({ path }, response) => {
        if (path === `/v2/referrers/app/manifests/${tagOf(content)}`) {
          response.writeHead(500).end();
          return true;
        }
        if (path !== `/v2/referrers/app/referrers/${content.digest}`) return false;
        response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' });
        response.end(index);
        return true;
      };
      const ready = await bed.ready(await create('referrers', content));
      registry.onRequest = undefined;
      expect(verifiedOf(ready).status).toBe('True');
    });

    it('does not take a payload that was changed after it was signed', async () => {
      const content = await pushContent(registry, 'payload/app', 'payload\n');
      const other = await pushContent(registry, 'payload/app', 'evil\n', 'evil');
      await cosign.sign(content.reference, 'key', 'simple');
      const [layer] = (await manifestOf(registry, 'payload/app', `${tagOf(content)}.sig`)).layers;
      const claim = {
        critical: {
          identity: { 'docker-reference': '' },
          image: { 'docker-manifest-digest': other.digest },
          type: 'cosign container image signature',
        },
        optional: null,
      };
      await registry.pushArtifact({
        repository: 'payload/app',
        tag: `${tagOf(other)}.sig`,
        layers: [
          {
            mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
            data: JSON.stringify(claim),
            annotations: layer?.annotations ?? {},
          },
        ],
      });
      const failed = await bed.failed(await create('payload', other), 'VerificationError');
      expect(verifiedOf(failed).message).toContain('no trusted key made it');
    });

    it.each<{ name: string; values: Record<string, string>; message: RegExp }>([
      { name: 'no-key', values: { 'key.txt': 'x' }, message: /names of keys must end in \.pub/ },
      { name: 'bad-key', values: { 'a.pub': 'x' }, message: /a\.pub is no public key in PEM/ },
    ])('says what is wrong with the Secret: $name', async ({ name, values, message }) => {
      const content = await pushContent(registry, `secret/${name}`, 'secret\n');
      await cosign.sign(content.reference, 'key', 'bundle');
      await bed.createSecret(name, values);
      const more = { verify: { ...verify, secretRef: { name } } };
      const failed = await bed.failed(await create(name, content, more), 'VerificationError');
      expect(verifiedOf(failed).message).toMatch(message);
      expect(verifiedOf(failed).message).toContain(`secret '${name}'`);
    });

    it('waits for a Secret that is not there yet', async () => {
      const content = await pushContent(registry, 'secret/late', 'late\n');
      await cosign.sign(content.reference, 'key', 'bundle');
      const more = { verify: { ...verify, secretRef: { name: 'late-keys' } } };
      const object = await create('late-keys', content, more);
      const failed = await bed.failed(object, 'VerificationError');
      expect(verifiedOf(failed).message).toContain(`${bed.namespace}/late-keys`);
      await bed.createSecret('late-keys', { 'k.pub': await cosign.generateKey('late') });
      await cosign.sign(content.reference, 'late', 'bundle');
      await bed.ready(object);
    });
  });
});
