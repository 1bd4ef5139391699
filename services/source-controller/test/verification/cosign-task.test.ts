import { generateKeyPairSync, sign } from 'node:crypto';
import { dsse } from '@sigstore/core';
import { describe, expect, it } from 'vitest';
import type { CosignSignature } from '../../src/verification/cosign-signatures.ts';
import { type CosignTask, verifyCosign } from '../../src/verification/cosign-task.ts';
import { makeFixtures, who } from './fixtures.ts';

const { digest, publicKey, trustedRoot, endedRoot, signatures } = await makeFixtures();
const otherDigest = `sha256:${'0'.repeat(64)}`;
const pem = (type: 'ed25519' | 'x25519') =>
  generateKeyPairSync(type as 'ed25519')
    .publicKey.export({ format: 'pem', type: 'spki' })
    .toString();
const of = (by: 'key' | 'identity', format: CosignSignature['format']) =>
  signatures.find((one) => one.by === by && one.signature.format === format)
    ?.signature as CosignSignature;

const byKey = (more: Partial<CosignTask> & { keys?: Record<string, string> }) =>
  verifyCosign({
    digest,
    signatures: [],
    trust: { keys: more.keys ?? { 'other.pub': pem('ed25519'), 'team.pub': publicKey } },
    ...more,
  });
const identity = { issuer: '^https://issuer', subject: '/team/app$' };
const byIdentity = (
  more: Partial<CosignTask> & { root?: string; identities?: { issuer: string; subject: string }[] },
) =>
  verifyCosign({
    digest,
    signatures: [],
    trust: { root: more.root ?? trustedRoot, identities: more.identities ?? [identity] },
    ...more,
  });

interface Envelope {
  payload: string;
  payloadType: string;
  signatures: { keyid: string; sig: string }[];
}

/** Changes one value of a bundle. */
function changed(signature: CosignSignature, change: (bundle: never) => void): CosignSignature {
  if (signature.format !== 'bundle') throw new Error('no bundle');
  const bundle = JSON.parse(signature.json);
  change(bundle as never);
  return { format: 'bundle', json: JSON.stringify(bundle) };
}

describe.each(['bundle', 'simple'] as const)('a signature of cosign in the form %s', (format) => {
  it('counts when one of the keys made it', async () => {
    expect(await byKey({ signatures: [of('key', format)] })).toBe("key 'team.pub'");
    const both = [of('identity', format), of('key', format)];
    expect(await byKey({ signatures: both })).toBe("key 'team.pub'");
  });

  it('does not count when no key made it, or for another digest', async () => {
    const signed = [of('key', format)];
    const keys = { 'other.pub': pem('ed25519') };
    await expect(byKey({ signatures: signed, keys })).rejects.toThrow('no trusted key made it');
    const moved = byKey({ signatures: signed, digest: otherDigest });
    await expect(moved).rejects.toThrow(`it was signed for ${digest}`);
  });

  it('counts when one of the identities made it', async () => {
    const signed = [of('identity', format)];
    const said = `'${who.subject}' of issuer '${who.issuer}'`;
    expect(await byIdentity({ signatures: signed })).toBe(said);
    expect(await byIdentity({ signatures: signed, identities: [] })).toBe(said);
  });

  it.each([
    { name: 'another identity', more: { identities: [{ ...identity, subject: 'other' }] } },
    { name: 'another issuer', more: { identities: [{ ...identity, issuer: 'other' }] } },
    { name: 'an authority that had ended', more: { root: endedRoot } },
    { name: 'another digest', more: { digest: otherDigest } },
  ])('does not count with $name', async ({ more }) => {
    const failed = byIdentity({ signatures: [of('identity', format)], ...more });
    await expect(failed).rejects.toMatchObject({ name: 'SignatureError' });
  });

  it('does not count without a key when a key made it', async () => {
    const failed = byIdentity({ signatures: [of('key', format)] });
    await expect(failed).rejects.toMatchObject({ name: 'SignatureError' });
  });
});

it('does not count what a trusted key has said of the content otherwise, such as the result of a scan', async () => {
  const author = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const keys = { 'team.pub': author.publicKey.export({ format: 'pem', type: 'spki' }).toString() };
  const saying = (predicateType: string) =>
    changed(of('key', 'bundle'), ({ dsseEnvelope }: { dsseEnvelope: Envelope }) => {
      const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString());
      const payload = Buffer.from(JSON.stringify({ ...statement, predicateType }));
      const signed = dsse.preAuthEncoding(dsseEnvelope.payloadType, payload);
      dsseEnvelope.payload = payload.toString('base64');
      dsseEnvelope.signatures = [
        { keyid: '', sig: sign('sha256', signed, author.privateKey).toString('base64') },
      ];
    });
  const signature = saying('https://sigstore.dev/cosign/sign/v1');
  expect(await byKey({ signatures: [signature], keys })).toBe("key 'team.pub'");
  const scan = saying('https://cosign.sigstore.dev/attestation/vuln/v1');
  await expect(byKey({ signatures: [scan], keys })).rejects.toThrow('is an attestation');
});

describe('what was changed after it was signed', () => {
  it.each<{ name: string; change(bundle: never): void }>([
    {
      name: 'the statement',
      change: ({ dsseEnvelope }: { dsseEnvelope: { payload: string } }) => {
        const text = Buffer.from(dsseEnvelope.payload, 'base64').toString();
        dsseEnvelope.payload = Buffer.from(text.replace('sign/v1', 'sign/v2')).toString('base64');
      },
    },
    {
      name: 'the type of the statement',
      change: ({ dsseEnvelope }: { dsseEnvelope: { payloadType: string } }) => {
        dsseEnvelope.payloadType = 'application/json';
      },
    },
    {
      name: 'the entry of the log',
      change: (bundle: { verificationMaterial: { tlogEntries: { integratedTime: string }[] } }) => {
        for (const entry of bundle.verificationMaterial.tlogEntries) entry.integratedTime = '1';
      },
    },
    {
      name: 'the list of log entries',
      change: (bundle: { verificationMaterial: { tlogEntries: unknown[] } }) => {
        bundle.verificationMaterial.tlogEntries = [];
      },
    },
    {
      name: 'the certificate',
      change: (bundle: { verificationMaterial: { certificate: { rawBytes: string } } }) => {
        bundle.verificationMaterial.certificate.rawBytes = Buffer.from('x').toString('base64');
      },
    },
    {
      name: 'all of it',
      change: (bundle: Record<string, unknown>) => {
        for (const key of Object.keys(bundle)) delete bundle[key];
      },
    },
  ])('does not count: $name', async ({ change }) => {
    const signed = [changed(of('identity', 'bundle'), change)];
    await expect(byIdentity({ signatures: signed })).rejects.toMatchObject({
      name: 'SignatureError',
    });
  });

  it('does not count: the payload of the older form', async () => {
    for (const by of ['key', 'identity'] as const) {
      const signature = of(by, 'simple') as Extract<CosignSignature, { format: 'simple' }>;
      const text = Buffer.from(signature.payload).toString().replace(digest, otherDigest);
      const signed = [{ ...signature, payload: Buffer.from(text) }];
      const verify = by === 'key' ? byKey : byIdentity;
      await expect(verify({ signatures: signed, digest: otherDigest })).rejects.toMatchObject({
        name: 'SignatureError',
      });
    }
  });
});

it.each<{ name: string; text: string }>([
  { name: 'no key', text: 'x' },
  { name: 'a broken key', text: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' },
  {
    name: 'a private key',
    text: generateKeyPairSync('ed25519')
      .privateKey.export({ format: 'pem', type: 'pkcs8' })
      .toString(),
  },
  { name: 'a key that signs nothing', text: pem('x25519') },
  {
    name: 'a short key of RSA',
    text: generateKeyPairSync('rsa', { modulusLength: 1024 })
      .publicKey.export({ format: 'pem', type: 'spki' })
      .toString(),
  },
])('names a trusted key that cannot be used: $name', async ({ text }) => {
  const failed = byKey({ signatures: [of('key', 'bundle')], keys: { 'bad.pub': text } });
  await expect(failed).rejects.toMatchObject({
    name: 'TrustedKeyError',
    message: expect.stringContaining('bad.pub'),
  });
});

it.each(['x', '[]', '{"tlogs":[{}]}'])('says that a trust root is none: %s', async (root) => {
  const failed = byIdentity({ signatures: [of('identity', 'bundle')], root });
  await expect(failed).rejects.toMatchObject({
    name: expect.stringMatching(/^(TrustedKey|Signature)Error$/),
  });
});
