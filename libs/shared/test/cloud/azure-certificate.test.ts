import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { azureApplicationToken, azureScopes } from '@sluice/shared/cloud';
import { temporaryFolder } from '@sluice/testing';
import { execa } from 'execa';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from './cloud-bed.ts';

let cloud: Cloud;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const url = 'https://login.microsoftonline.com/tenant/oauth2/v2.0/token';
const where = 'clientCertificate in secret apps/azure';

beforeAll(async () => {
  [cloud, folder] = await Promise.all([startCloud(), temporaryFolder('azure')]);
});
afterAll(() => Promise.all([cloud.close(), folder.remove()]));

/** Makes an RSA key with its certificate, both in PEM. */
async function pair(name: string): Promise<{ key: string; certificate: X509Certificate }> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  const args = ['-newkey', 'rsa:2048', '-subj', `/CN=${name}`, ...files];
  await execa('openssl', ['req', '-x509', '-nodes', ...args], { cwd: folder.path });
  const read = (file: string) => readFile(join(folder.path, file), 'utf8');
  return {
    key: await read(`${name}.key`),
    certificate: new X509Certificate(await read(`${name}.crt`)),
  };
}

function tokenFor(pem: string, sendChain: boolean): Promise<string> {
  const asker = { identities: cloud.identities({}), caller: cloud.caller() };
  const client = { tenant: 'tenant', client: 'client' };
  const proof = { certificate: { pem, sendChain, where } };
  return azureApplicationToken(asker, { client, proof }, azureScopes.storage);
}

/** What the assertion says that was sent last. */
async function asserted(publicKey: KeyObject) {
  const sent = new URLSearchParams(cloud.asked().at(-1)?.body);
  const currentDate = new Date(cloud.clock.now());
  const { payload, protectedHeader } = await jwtVerify(
    sent.get('client_assertion') ?? '',
    publicKey,
    { currentDate },
  );
  return { payload, header: protectedHeader };
}

test('an application proves to be itself by the certificate of its key, wherever that stands', async () => {
  const [own, authority] = await Promise.all([pair('own'), pair('authority')]);
  cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 3600 } });
  const chain = [authority.certificate, own.certificate];
  expect(await tokenFor([own.key, ...chain].join('\n'), true)).toBe('token');
  const { header, payload } = await asserted(own.certificate.publicKey);
  expect(header).toEqual({
    alg: 'RS256',
    typ: 'JWT',
    x5t: createHash('sha1').update(own.certificate.raw).digest('base64url'),
    x5c: [own, authority].map(({ certificate }) => certificate.raw.toString('base64')),
  });
  expect(payload).toMatchObject({ iss: 'client', sub: 'client', aud: url });
});

test('a certificate of another key is no proof', async () => {
  const [own, other] = await Promise.all([pair('own'), pair('other')]);
  cloud.answer({});
  const asking = tokenFor(`${own.key}${other.certificate}`, false);
  await expect(asking).rejects.toThrow(`${where} must hold an RSA key and its certificate in PEM`);
  expect(cloud.asked()).toEqual([]);
});
