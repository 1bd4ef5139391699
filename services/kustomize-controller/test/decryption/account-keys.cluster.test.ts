import { tmpdir } from 'node:os';
import { createSops, type DataKeyRequest } from '@sluice/shared/cli';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace, toolPath } from '@sluice/testing';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encryptForService } from '../kustomization/encrypt.ts';
import { base64, type KeyBed, startKeyBed } from './key-bed.ts';

let bed: KeyBed;
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  bed = await startKeyBed();
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'sops');
});
afterAll(() => bed?.close());

async function account(name: string, annotations: Record<string, string>) {
  await client.create(coreResources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, annotations },
  });
}

/** The token that was sent, once it is one of the API server for that account and audience. */
function tokenIn(body: string | undefined, field: string, name: string, audience: string): string {
  const token = new URLSearchParams(body).get(field) ?? '';
  const { aud, sub } = decodeJwt(token);
  const user = `system:serviceaccount:${namespace}:${name}`;
  expect({ aud, sub }).toEqual({ aud: [audience], sub: user });
  return token;
}

/** Decrypts, with the sops program, as an account; returns what the file held. */
async function decryptAs(name: string, content: string): Promise<unknown> {
  const sops = createSops({ binary: toolPath('sops'), tempDir: tmpdir() });
  const opening = bed.open();
  const open = async ({ key, ciphertext }: DataKeyRequest) => {
    const asking = { key, ciphertext, namespace, latin1: true, account: { client, name } };
    return Buffer.from(await opening(asking), 'latin1');
  };
  const file = { name: 'a.yaml', content: Buffer.from(content), format: 'yaml' as const };
  const plain = await sops.decrypt(file, { open, share: namespace, timeoutMs: 60_000 });
  return plain.toString();
}

/** A file for which a service has the key, whose answer is made of the data key in base64. */
async function fileFor(metadata: object, answer: (dataKey: string) => void): Promise<string> {
  return encryptForService({ kind: 'Secret', stringData: { value: 'open' } }, (dataKey) => {
    answer(dataKey);
    return metadata;
  });
}

const created_at = '2026-01-01T00:00:00Z';
const sealed = base64('sealed');
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const plain = expect.stringContaining('value: open');

describe('the identity of the ServiceAccount of spec.decryption', () => {
  test('opens keys of AWS KMS', async () => {
    await account('aws', { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/shop' });
    const arn = 'arn:aws:kms:eu-central-1:123456789012:key/1f-2e';
    const sts = 'https://sts.eu-central-1.amazonaws.com/';
    const kms = 'https://kms.eu-central-1.amazonaws.com/';
    const file = await fileFor({ kms: [{ arn, created_at, enc: sealed }] }, (dataKey) =>
      bed.answer({
        [`POST ${sts}`]:
          '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAKEY</AccessKeyId><SecretAccessKey>c2Vj/cmV0</SecretAccessKey><SessionToken>session==</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
        [`POST ${kms}`]: { KeyId: arn, Plaintext: dataKey },
      }),
    );
    expect(await decryptAs('aws', file)).toEqual(plain);
    const [login, asked] = bed.asked();
    const token = tokenIn(login?.body, 'WebIdentityToken', 'aws', 'sts.amazonaws.com');
    expect(bed.asked()).toEqual([
      {
        method: 'POST',
        url: sts,
        headers: form,
        body: `Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fshop&RoleSessionName=aws.${namespace}.eu-central-1.fluxcd.io&Version=2011-06-15&WebIdentityToken=${token}`,
      },
      expect.objectContaining({
        method: 'POST',
        url: kms,
        body: `{"CiphertextBlob":"${sealed}","KeyId":"${arn}"}`,
      }),
    ]);
    expect(asked?.headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=ASIAKEY\/\d{8}\/eu-central-1\/kms\/aws4_request, /,
    );
    expect(asked?.headers['x-amz-security-token']).toBe('session==');
  });

  test('opens keys of Azure Key Vault', async () => {
    await account('azure', {
      'azure.workload.identity/tenant-id': 'tenant-1',
      'azure.workload.identity/client-id': 'client-1',
    });
    const vault = 'https://shop.vault.azure.net';
    const url = `${vault}/keys/sops/1f2e/decrypt`;
    const authority = 'https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token';
    const enc = Buffer.from('sealed').toString('base64url');
    const key = { vault_url: vault, name: 'sops', version: '1f2e', created_at, enc };
    const file = await fileFor({ azure_kv: [key] }, (dataKey) =>
      bed.answer({
        [`POST ${authority}`]: { access_token: 'azure-token', expires_in: 3600 },
        [`POST ${url}`]: { kid: url, value: Buffer.from(dataKey, 'base64').toString('base64url') },
      }),
    );
    expect(await decryptAs('azure', file)).toEqual(plain);
    const [login] = bed.asked();
    const audience = 'api://AzureADTokenExchange';
    const token = tokenIn(login?.body, 'client_assertion', 'azure', audience);
    expect(bed.asked()).toEqual([
      {
        method: 'POST',
        url: authority,
        headers: form,
        body: `client_id=client-1&scope=https%3A%2F%2Fvault.azure.net%2F.default&grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${token}`,
      },
      {
        method: 'POST',
        url: `${url}?api-version=7.4`,
        headers: { authorization: 'Bearer azure-token', 'content-type': 'application/json' },
        body: `{"alg":"RSA-OAEP-256","value":"${enc}"}`,
      },
    ]);
  });

  test('opens keys of Google Cloud KMS', async () => {
    const provider = 'projects/7/locations/global/workloadIdentityPools/pool/providers/cluster';
    const email = 'shop@project.iam.gserviceaccount.com';
    await account('gcp', {
      'gcp.auth.fluxcd.io/workload-identity-provider': provider,
      'iam.gke.io/gcp-service-account': email,
    });
    const resource = 'projects/shop/locations/global/keyRings/sops/cryptoKeys/main';
    const url = `https://cloudkms.googleapis.com/v1/${resource}:decrypt`;
    const sts = 'https://sts.googleapis.com/v1/token';
    const impersonate = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
    const key = { resource_id: resource, created_at, enc: sealed };
    const file = await fileFor({ gcp_kms: [key] }, (dataKey) =>
      bed.answer({
        [`POST ${sts}`]: { access_token: 'pool-token' },
        [`POST ${impersonate}`]: { accessToken: 'token', expireTime: '2026-01-01T01:00:00Z' },
        [`POST ${url}`]: { plaintext: dataKey },
      }),
    );
    expect(await decryptAs('gcp', file)).toEqual(plain);
    const [exchange, impersonation, asked, ...more] = bed.asked();
    tokenIn(exchange?.body, 'subject_token', 'gcp', `//iam.googleapis.com/${provider}`);
    expect(exchange?.url).toBe(sts);
    expect(impersonation).toMatchObject({
      url: impersonate,
      headers: { authorization: 'Bearer pool-token' },
    });
    expect(asked).toEqual({
      method: 'POST',
      url,
      headers: { authorization: 'Bearer token', 'content-type': 'application/json' },
      body: `{"ciphertext":"${sealed}"}`,
    });
    expect(more).toEqual([]);
  });

  test('is asked for nothing when the account names no role, and that is said', async () => {
    await account('bare', {});
    const arn = 'arn:aws:kms:eu-central-1:123456789012:key/1f-2e';
    const file = await fileFor({ kms: [{ arn, created_at, enc: sealed }] }, () => bed.answer({}));
    await expect(decryptAs('bare', file)).rejects.toThrow('eks.amazonaws.com/role-arn');
    expect(bed.asked()).toEqual([]);
  });
});
