import { generateKeyPairSync } from 'node:crypto';
import type { SopsKey } from '@sluice/shared/cli';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { base64, type KeyBed, startKeyBed } from './key-bed.ts';

let bed: KeyBed;
beforeAll(async () => {
  bed = await startKeyBed();
});
afterAll(() => bed.close());

const sealed = base64('sealed');
const dataKey = 'the data key';

describe('AWS KMS', () => {
  const arn = 'arn:aws:kms:eu-central-1:123456789012:key/1f-2e';
  const key = { kind: 'kms' as const, arn, role: '', context: {} };
  const url = 'https://kms.eu-central-1.amazonaws.com/';
  const credentials = 'aws_access_key_id: AKIDSECRET\naws_secret_access_key: c2Vj/cmV0\n';
  const secret = { 'sops.aws-kms': credentials };
  const found = { [`POST ${url}`]: { KeyId: arn, Plaintext: base64(dataKey) } };
  const signed = (service: string, ...names: string[]) =>
    new RegExp(
      `^AWS4-HMAC-SHA256 Credential=AKIDSECRET/\\d{8}/eu-central-1/${service}/aws4_request, SignedHeaders=${names.join(';')}, Signature=[0-9a-f]{64}$`,
    );

  test('is asked with the credentials of the Secret', async () => {
    bed.answer(found);
    expect(await bed.open()({ key, ciphertext: sealed, secret })).toBe(dataKey);
    expect(bed.asked()).toEqual([
      {
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-date': expect.stringMatching(/^\d{8}T\d{6}Z$/),
          'x-amz-target': 'TrentService.Decrypt',
          authorization: expect.stringMatching(signed('kms', 'host', 'x-amz-date', 'x-amz-target')),
        },
        body: `{"CiphertextBlob":"${sealed}","KeyId":"${arn}"}`,
      },
    ]);
  });

  test('gets the context of the key, and the token of a session', async () => {
    bed.answer(found);
    const context = { app: 'shop', stage: 'live' };
    const more = { 'sops.aws-kms': `${credentials}aws_session_token: session==\n` };
    await bed.open()({ key: { ...key, context }, ciphertext: sealed, secret: more });
    const [asked] = bed.asked();
    expect(asked?.body).toBe(
      `{"CiphertextBlob":"${sealed}","EncryptionContext":{"app":"shop","stage":"live"},"KeyId":"${arn}"}`,
    );
    expect(asked?.headers['x-amz-security-token']).toBe('session==');
  });

  test('is asked in a role when the file names one', async () => {
    const sts = 'https://sts.eu-central-1.amazonaws.com/';
    bed.answer({
      ...found,
      [`POST ${sts}`]:
        '<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>cm9sZQ</SecretAccessKey><SessionToken>role==</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>',
    });
    const role = 'arn:aws:iam::123456789012:role/decrypt';
    await bed.open()({ key: { ...key, role }, ciphertext: sealed, secret });
    const [taken, asked] = bed.asked();
    expect(taken).toMatchObject({
      url: sts,
      body: 'Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdecrypt&RoleSessionName=sluice-sops&Version=2011-06-15',
    });
    expect(taken?.headers['authorization']).toMatch(signed('sts', 'host', 'x-amz-date'));
    expect(asked?.headers['authorization']).toContain('Credential=ASIAROLE/');
    expect(asked?.headers['x-amz-security-token']).toBe('role==');
  });

  test('is asked as the controller when the Secret holds no login', async () => {
    bed.answer(found);
    const environment = { AWS_ACCESS_KEY_ID: 'AKIDSECRET', AWS_SECRET_ACCESS_KEY: 'c2Vj' };
    expect(await bed.open(environment)({ key, ciphertext: sealed })).toBe(dataKey);
    expect(bed.asked()).toHaveLength(1);
  });

  test('says why it refuses, without what was sent', async () => {
    const body = '{"__type":"AccessDeniedException","message":"not for AKIDSECRET"}';
    bed.answer({ [`POST ${url}`]: { status: 400, body } });
    await expect(bed.open()({ key, ciphertext: sealed, secret })).rejects.toThrow(
      `AWS KMS key ${arn}: kms.eu-central-1.amazonaws.com refused a decryption with status 400: not for AKIDSECRET`,
    );
  });

  test.each([
    'arn:aws:kms:evil.example.com/:1:key/a',
    'arn:aws:kms:eu-central-1@evil.example.com:1:key/a',
    'https://kms.example.com',
  ])('is not asked for %s', async (other) => {
    bed.answer({});
    const asking = { key: { ...key, arn: other }, ciphertext: sealed, secret };
    await expect(bed.open()(asking)).rejects.toThrow('is no ARN of a key or alias of AWS KMS');
    expect(bed.asked()).toEqual([]);
  });
});

describe('Azure Key Vault', () => {
  const vaultUrl = 'https://shop.vault.azure.net';
  const key = { kind: 'azure_kv' as const, vaultUrl, name: 'sops', version: '1f2e' };
  const url = `${vaultUrl}/keys/sops/1f2e/decrypt`;
  const login = (tenant: string) => `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`;
  const ciphertext = Buffer.from('sealed').toString('base64url');
  const value = Buffer.from(dataKey).toString('base64url');
  const scope = 'https%3A%2F%2Fvault.azure.net%2F.default';

  test.each([
    ['a service principal', 'tenantId: t1\nclientId: c1\nclientSecret: canary-secret\n'],
    [
      'what az has printed',
      '{"appId": "c1", "displayName": "x", "password": "canary-secret", "tenant": "t1"}',
    ],
  ])('is asked as %s', async (_, text) => {
    bed.answer({
      [`POST ${login('t1')}`]: { access_token: 'azure-token', expires_in: 3600 },
      [`POST ${url}`]: { kid: url, value },
    });
    const secret = { 'sops.azure-kv': text };
    expect(await bed.open()({ key, ciphertext, secret })).toBe(dataKey);
    expect(bed.asked()).toEqual([
      {
        method: 'POST',
        url: login('t1'),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `client_id=c1&scope=${scope}&grant_type=client_credentials&client_secret=canary-secret`,
      },
      {
        method: 'POST',
        url: `${url}?api-version=7.4`,
        headers: { authorization: 'Bearer azure-token', 'content-type': 'application/json' },
        body: `{"alg":"RSA-OAEP-256","value":"${ciphertext}"}`,
      },
    ]);
  });

  test('is asked as an identity of the machine', async () => {
    const metadata = 'http://169.254.169.254/metadata/identity/oauth2/token';
    bed.answer({
      [`GET ${metadata}`]: { access_token: 't', expires_in: '3600' },
      [`POST ${url}`]: { value },
    });
    await bed.open()({ key, ciphertext, secret: { 'sops.azure-kv': 'clientId: c2\n' } });
    expect(bed.asked()[0]).toMatchObject({
      url: `${metadata}?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net&client_id=c2`,
      headers: { metadata: 'true' },
    });
  });

  test('is asked as the controller when the Secret holds no login', async () => {
    bed.answer({
      [`POST ${login('t3')}`]: { access_token: 't', expires_in: 3600 },
      [`POST ${url}`]: { value },
    });
    const environment = { AZURE_TENANT_ID: 't3', AZURE_CLIENT_ID: 'c3', AZURE_CLIENT_SECRET: 's' };
    expect(await bed.open(environment)({ key, ciphertext })).toBe(dataKey);
  });

  test.each([
    'https://shop.vault.azure.net.example.com',
    'https://example.com/?x=.vault.azure.net',
    'https://example.com#.vault.azure.net',
    'http://shop.vault.azure.net',
    'https://shop.vault.azure.net:8443',
    'https://user@shop.vault.azure.net',
    'https://a.b.vault.azure.net',
    'https://shop.vault.azure.net/other',
  ])('gets no token at %s', async (other) => {
    bed.answer({});
    const secret = { 'sops.azure-kv': 'tenantId: t1\nclientId: c1\nclientSecret: s\n' };
    const asking = { key: { ...key, vaultUrl: other }, ciphertext, secret };
    await expect(bed.open()(asking)).rejects.toThrow(
      'the address of the key vault is none of Azure',
    );
    expect(bed.asked()).toEqual([]);
  });
});

describe('Google Cloud KMS', () => {
  const resource = 'projects/example.com:shop/locations/global/keyRings/sops/cryptoKeys/main';
  const key = { kind: 'gcp_kms' as const, resource };
  const url = `https://cloudkms.googleapis.com/v1/${resource}:decrypt`;
  const tokens = 'https://oauth2.googleapis.com/token';
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const account = {
    type: 'service_account',
    project_id: 'shop',
    private_key_id: 'k1',
    private_key: privateKey,
    client_email: 'sops@shop.iam.gserviceaccount.com',
  };

  test('is asked with the key of the Secret', async () => {
    bed.answer({
      [`POST ${tokens}`]: { access_token: 'google-token', expires_in: 3600 },
      [`POST ${url}`]: { plaintext: base64(dataKey) },
    });
    const secret = { 'sops.gcp-kms': JSON.stringify(account) };
    expect(await bed.open()({ key, ciphertext: sealed, secret })).toBe(dataKey);
    const [login, asked] = bed.asked();
    const assertion = new URLSearchParams(login?.body).get('assertion') ?? '';
    expect(decodeJwt(assertion)).toMatchObject({
      iss: account.client_email,
      aud: tokens,
      scope: 'https://www.googleapis.com/auth/cloudkms',
    });
    expect(asked).toEqual({
      method: 'POST',
      url,
      headers: { authorization: 'Bearer google-token', 'content-type': 'application/json' },
      body: `{"ciphertext":"${sealed}"}`,
    });
  });

  test('is asked as the controller when the Secret holds no login', async () => {
    const metadata =
      'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';
    bed.answer({
      [`GET ${metadata}`]: { access_token: 't', expires_in: 3600 },
      [`POST ${url}`]: { plaintext: base64(dataKey) },
    });
    expect(await bed.open()({ key, ciphertext: sealed })).toBe(dataKey);
  });

  test.each([
    'projects/p/locations/l/keyRings/r/cryptoKeys/../../x',
    'projects/p/locations/../keyRings/r/cryptoKeys/k',
    'projects/p/locations/l/keyRings/r/cryptoKeys/k?x',
    '../v2/projects/p',
  ])('is not asked for %s', async (other) => {
    bed.answer({});
    const asking = { key: { ...key, resource: other }, ciphertext: sealed };
    await expect(bed.open()(asking)).rejects.toThrow('is none of Google Cloud KMS');
    expect(bed.asked()).toEqual([]);
  });

  test('takes no credentials that name files, programs or addresses', async () => {
    const other = JSON.stringify({ type: 'external_account', credential_source: { file: '/x' } });
    const secret = { 'sops.gcp-kms': other };
    await expect(bed.open()({ key, ciphertext: sealed, secret })).rejects.toThrow(
      "key 'sops.gcp-kms' of Secret 'apps/keys' of spec.decryption.secretRef is no JSON key of a service account",
    );
  });
});

describe('OpenBao or Vault', () => {
  const address = 'https://vault.example.com:8200';
  const key = { kind: 'hc_vault' as const, address, engine: 'team a/transit', name: 'sops' };
  const url = `${address}/v1/team%20a/transit/decrypt/sops`;
  const ciphertext = 'vault:v1:c2VhbGVk';
  const secret = { 'sops.vault-token': 's.canary-token\n' };

  test('is asked with the token of the Secret', async () => {
    bed.answer({ [`PUT ${url}`]: { data: { plaintext: base64(dataKey) } } });
    expect(await bed.open()({ key, ciphertext, secret })).toBe(dataKey);
    expect(bed.asked()).toEqual([
      {
        method: 'PUT',
        url,
        headers: { 'content-type': 'application/json', 'x-vault-token': 's.canary-token' },
        body: `{"ciphertext":"${ciphertext}"}`,
      },
    ]);
  });

  test('says why it refuses, without the token', async () => {
    const body = '{"errors":["permission denied for s.canary-token"]}';
    bed.answer({ [`PUT ${url}`]: { status: 403, body } });
    await expect(bed.open()({ key, ciphertext, secret })).rejects.toThrow(
      `Vault key ${address}/v1/team a/transit/keys/sops: vault.example.com:8200 refused a decryption with status 403: permission denied for *****`,
    );
  });

  test.each<[string, Partial<typeof key>, RegExp]>([
    ['a path in the address', { address: `${address}/v1/sys` }, /its address must be/],
    ['an address that is none', { address: 'unix:///run/vault.sock' }, /its address must be/],
    ['a login in the address', { address: 'https://a@vault.example.com' }, /its address must be/],
    ['an engine that leads elsewhere', { engine: '../sys' }, /its engine is no path/],
    ['an engine that is empty', { engine: '' }, /its engine is no path/],
    ['a name that leads elsewhere', { name: 'a/../../../sys/seal' }, /its name is no path/],
    ['a name with a query', { name: 'a?list=true' }, /its name is no path/],
  ])('is not asked for %s', async (_, change, message) => {
    bed.answer({});
    const asking = { key: { ...key, ...change }, ciphertext, secret };
    await expect(bed.open()(asking)).rejects.toThrow(message);
    expect(bed.asked()).toEqual([]);
  });

  test('gets the token where the Secret says, and nowhere else', async () => {
    bed.answer({ [`PUT ${url}`]: { data: { plaintext: base64(dataKey) } } });
    const others = 'https://other.example.com\nhttps://vault.example.com\n';
    const only = { ...secret, 'sops.vault-address': others };
    await expect(bed.open()({ key, ciphertext, secret: only })).rejects.toThrow(
      "its address is not in key sops.vault-address of Secret 'apps/keys'",
    );
    expect(bed.asked()).toEqual([]);
    const listed = { ...secret, 'sops.vault-address': `${others}${address}\n` };
    expect(await bed.open()({ key, ciphertext, secret: listed })).toBe(dataKey);
  });

  test('is not asked without a token', async () => {
    bed.answer({});
    await expect(bed.open()({ key, ciphertext })).rejects.toThrow(
      "there is no token: put one into key sops.vault-token of Secret 'apps/keys' of spec.decryption.secretRef",
    );
    expect(bed.asked()).toEqual([]);
  });
});

test('keys of Huawei Cloud are never asked for', async () => {
  const key: SopsKey = { kind: 'hckms', id: 'region:1' };
  await expect(bed.open()({ key, ciphertext: sealed })).rejects.toThrow(
    'Huawei Cloud KMS key region:1: such keys are never asked for',
  );
});

describe('a data key', () => {
  const address = 'https://vault.example.com';
  const key = { kind: 'hc_vault' as const, address, engine: 'transit', name: 'sops' };
  const asking = { key, ciphertext: 'vault:v1:x', secret: { 'sops.vault-token': 'one' } };
  const url = `PUT ${address}/v1/transit/decrypt/sops`;
  const found = { [url]: { data: { plaintext: base64(dataKey) } } };

  test('is asked for once, also by several builds at a time', async () => {
    bed.answer(found);
    const open = bed.open();
    expect(await Promise.all([open(asking), open(asking)])).toEqual([dataKey, dataKey]);
    await open(asking);
    expect(bed.asked()).toHaveLength(1);
  });

  test.each([
    ['another namespace', { namespace: 'others' }],
    ['other content of the Secret', { secret: { 'sops.vault-token': 'two' } }],
    ['another ciphertext', { ciphertext: 'vault:v1:y' }],
    ['another key', { key: { ...key, name: 'sops', engine: 'transit/' } }],
  ])('is asked for again for %s', async (_, change) => {
    bed.answer(found);
    const open = bed.open();
    await open(asking);
    await open({ ...asking, ...change });
    expect(bed.asked()).toHaveLength(2);
  });

  test('is asked for again after a while, and kept no longer than an hour', async () => {
    bed.answer(found);
    const open = bed.open();
    await open(asking);
    await bed.clock.advance(60 * 60_000);
    bed.answer({});
    await expect(open(asking)).rejects.toThrow('status 404');
  });

  test('that was refused is asked for again', async () => {
    bed.answer({});
    const open = bed.open();
    await expect(open(asking)).rejects.toThrow('status 404');
    bed.answer(found);
    expect(await open(asking)).toBe(dataKey);
  });
});
