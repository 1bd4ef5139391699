import {
  type Notation,
  type NotationFormat,
  type Registry,
  startNotation,
  startRegistry,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';
import { type Content, copyTag, pushContent, specOf, tagOf, verifiedOf } from './signed.ts';

let bed: SourceBed;
let registry: Registry;
let notation: Notation;
let certificate: string;
let wrong: string;
const formats: NotationFormat[] = ['jws', 'cose'];
const signer = 'x509.subject: CN=team,O=Notary,L=Seattle,ST=WA,C=US';

interface Policy {
  level?: string;
  identity?: string;
  scope?: string;
}

function policy({ level = 'strict', identity = '*', scope = '*' }: Policy = {}): string {
  const trustsNobody = level === 'skip';
  return JSON.stringify({
    version: '1.0',
    trustPolicies: [
      {
        name: 'policy',
        registryScopes: [scope],
        signatureVerification: { level },
        ...(!trustsNobody && { trustStores: ['ca:any'], trustedIdentities: [identity] }),
      },
    ],
  });
}

/** Makes a Secret that trusts the certificate by a policy, and an object that uses it. */
async function create(
  name: string,
  content: Content,
  { certificate: trusted = certificate, ...given }: Policy & { certificate?: string } = {},
) {
  await bed.createSecret(name, { 'trustpolicy.json': policy(given), 'team.crt': trusted });
  return bed.createOci(name, {
    ...specOf(registry, content),
    verify: { provider: 'notation', secretRef: { name } },
  });
}

beforeAll(async () => {
  [bed, registry, notation] = await Promise.all([
    startSourceBed(),
    startRegistry(),
    startNotation(),
  ]);
  certificate = await notation.generateCertificate('team');
  wrong = await notation.generateCertificate('wrong');
});

afterAll(async () => {
  await Promise.all([bed?.stop(), registry?.stop(), notation?.stop()]);
});

describe.each(formats)('content signed by notation in an envelope of %s', (format) => {
  const push = (name: string, text = `${name}\n`) =>
    pushContent(registry, `${format}/${name}`, text);

  it('is pulled when the trust policy trusts who signed', async () => {
    const content = await push('good');
    await notation.sign(content.reference, 'wrong', format);
    await notation.sign(content.reference, 'team', format);
    const ready = await bed.ready(await create(`${format}-good`, content, { identity: signer }));
    expect(await filesOf(ready.status?.artifact)).toEqual({ 'a.yaml': 'good\n' });
    expect(verifiedOf(ready)).toEqual({
      status: 'True',
      reason: 'Succeeded',
      message: `verified signature of revision latest@${content.digest}, made by 'CN=team,O=Notary,L=Seattle,ST=WA,C=US'`,
    });
  });

  it('is refused when its certificate is not trusted', async () => {
    const content = await push('wrong');
    await notation.sign(content.reference, 'team', format);
    const object = await create(`${format}-wrong`, content, { certificate: wrong });
    const failed = await bed.failed(object, 'VerificationError');
    expect(failed.status?.artifact).toBeUndefined();
    expect(verifiedOf(failed).message).toContain(
      `failed to verify the signature using provider 'notation': no matching signatures were found for '${content.reference}'`,
    );
  });

  it('is refused when the policy names another identity', async () => {
    const content = await push('identity');
    await notation.sign(content.reference, 'team', format);
    const identity = signer.replace('CN=team', 'CN=other');
    const failed = await bed.failed(
      await create(`${format}-identity`, content, { identity }),
      'VerificationError',
    );
    expect(verifiedOf(failed).message).toContain('does not match the X.509 trusted identities');
  });

  it('is refused with the signature of another content', async () => {
    const content = await push('moved');
    const other = await pushContent(registry, `${format}/moved`, 'other\n', 'other');
    await notation.sign(content.reference, 'team', format);
    await copyTag(registry, content.repository, tagOf(content), tagOf(other));
    const failed = await bed.failed(await create(`${format}-moved`, other), 'VerificationError');
    expect(verifiedOf(failed).message).toContain('content descriptor mismatch');
  });

  it('is refused when its signature has expired, unless the policy only wants to know', async () => {
    const content = await push('expired');
    await notation.sign(content.reference, 'team', format, '--expiry=1s');
    const signedAt = Date.now();
    await vi.waitUntil(() => Date.now() > signedAt + 1500, { timeout: 10_000 });
    const failed = await bed.failed(
      await create(`${format}-expired`, content),
      'VerificationError',
    );
    expect(verifiedOf(failed).message).toMatch(/expired/);
    const audit = await create(`${format}-expired-audit`, content, { level: 'audit' });
    expect(verifiedOf(await bed.ready(audit)).status).toBe('True');
  });
});

describe('an OCIRepository that has to be signed by notation', () => {
  it('gets no artifact of unsigned content', async () => {
    const content = await pushContent(registry, 'unsigned/app', 'unsigned\n');
    const failed = await bed.failed(await create('unsigned', content), 'VerificationError');
    expect(verifiedOf(failed).message).toMatch(/: it is not signed$/);
  });

  it('is not said to be verified when the policy lets pass what nobody vouches for', async () => {
    const content = await pushContent(registry, 'lenient/app', 'lenient\n');
    const skipped = await bed.ready(await create('skip', content, { level: 'skip' }));
    expect(conditionOf(skipped, 'SourceVerified')).toBeUndefined();
    await notation.sign(content.reference, 'team', 'jws');
    const unknown = { level: 'audit', certificate: wrong };
    const audited = await bed.ready(await create('audit', content, unknown));
    expect(conditionOf(audited, 'SourceVerified')).toBeUndefined();
  });

  it('may be in the scope of no policy', async () => {
    const content = await pushContent(registry, 'scope/app', 'scope\n');
    await notation.sign(content.reference, 'team', 'jws');
    const scope = `${registry.host}/scope/app`;
    await bed.ready(await create('in-scope', content, { scope }));
    const failed = await bed.failed(
      await create('out-of-scope', content, { scope: `${scope}2` }),
      'VerificationError',
    );
    expect(verifiedOf(failed).message).toContain('no applicable');
  });

  it.each<{ name: string; values: Record<string, string>; message: RegExp }>([
    { name: 'no-policy', values: { 'a.crt': 'x' }, message: /it has no key trustpolicy\.json/ },
    {
      name: 'no-certificate',
      values: { 'trustpolicy.json': policy() },
      message: /names of their keys must end in \.crt or \.pem/,
    },
    {
      name: 'bad-certificate',
      values: { 'trustpolicy.json': policy(), 'a.pem': 'x' },
      message: /a\.pem holds no certificate that can be read/,
    },
    {
      name: 'bad-policy',
      values: { 'trustpolicy.json': '{', 'a.pem': 'x' },
      message: /trustpolicy\.json is no JSON/,
    },
  ])('says what is wrong with the Secret: $name', async ({ name, values, message }) => {
    const content = await pushContent(registry, `secret/${name}`, 'secret\n');
    await notation.sign(content.reference, 'team', 'jws');
    await bed.createSecret(name, values);
    const object = await bed.createOci(name, {
      url: `${registry.ociUrl}/${content.repository}`,
      insecure: true,
      verify: { provider: 'notation', secretRef: { name } },
    });
    const failed = await bed.failed(object, 'VerificationError');
    expect(verifiedOf(failed).message).toMatch(message);
  });
});
