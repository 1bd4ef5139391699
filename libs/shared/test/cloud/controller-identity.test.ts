import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { azureScopes, type CloudIdentities } from '@sluice/shared/cloud';
import { temporaryFolder } from '@sluice/testing';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, form, startCloud, stsAnswer } from './cloud-bed.ts';

let cloud: Cloud;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [cloud, folder] = await Promise.all([startCloud(), temporaryFolder('cloud')]);
});

afterAll(() => Promise.all([cloud.close(), folder.remove()]));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, content);
  return path;
}

const awsKeys = {
  accessKeyId: 'ASIAKEY',
  secretAccessKey: 'c2Vj/cmV0',
  sessionToken: 'session==',
};

describe('the identity of the controller', () => {
  test.each(['aws', 'azure', 'gcp'] as const)(
    'in %s is not used where others could read its token, other than that of a service account',
    async (name) => {
      cloud.answer({});
      const caller = cloud.caller({ exposedBy: 'a CA' });
      const logIn = (identities: CloudIdentities) =>
        name === 'azure' ? identities.azure(caller, azureScopes.storage) : identities[name](caller);
      const refusal = "the controller's identity is not used with a CA";
      await expect(logIn(cloud.identities({}))).rejects.toThrow(refusal);
      const asAccount = logIn(cloud.identities({}, { defaultServiceAccount: 'tenant' }));
      await expect(asAccount).rejects.not.toThrow(refusal);
      expect(cloud.asked()).toEqual([]);
    },
  );
});

describe('the identity of the controller in AWS', () => {
  test('is the role of its service account', async () => {
    cloud.answer({
      'POST https://sts.eu-west-1.amazonaws.com/': stsAnswer('AssumeRoleWithWebIdentity'),
    });
    const environment = {
      AWS_REGION: 'eu-west-1',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/flux',
      AWS_ROLE_SESSION_NAME: 'me',
      AWS_WEB_IDENTITY_TOKEN_FILE: await file('irsa', 'to.k+en\n'),
    };
    expect(await cloud.identities(environment).aws(cloud.caller())).toEqual(awsKeys);
    expect(cloud.asked()).toEqual([
      {
        method: 'POST',
        url: 'https://sts.eu-west-1.amazonaws.com/',
        headers: form,
        body: 'Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fflux&RoleSessionName=me&Version=2011-06-15&WebIdentityToken=to.k%2Ben',
      },
    ]);
  });

  test.each([
    {
      endpoint: 'https://sts.eu-west-1.amazonaws.com/',
      url: 'https://sts.eu-west-1.amazonaws.com',
    },
    {
      endpoint: 'https://vpce-1-x.sts.us-east-1.vpce.amazonaws.com',
      url: 'https://vpce-1-x.sts.us-east-1.vpce.amazonaws.com',
    },
    { endpoint: 'https://sts.amazonaws.com.example.com' },
    { endpoint: 'http://sts.amazonaws.com' },
    { endpoint: 'https://example.com/x.sts.amazonaws.com' },
    { endpoint: 'https://example.com?x.sts.amazonaws.com' },
    { endpoint: 'https://example.com#x.sts.amazonaws.com' },
    { endpoint: 'https://sts.amazonaws.com@example.com' },
    { endpoint: 'https://x@sts.amazonaws.com' },
    { endpoint: 'https://sts.amazonaws.com:8443' },
    { endpoint: 'https://sts.amazonaws.com/path' },
    { endpoint: 'https://team.sts.s3.amazonaws.com' },
  ])('is asked of $endpoint when that is a token service of AWS', async ({ endpoint, url }) => {
    cloud.answer({ [`POST ${url}/`]: stsAnswer('AssumeRoleWithWebIdentity') });
    const environment = {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/flux',
      AWS_WEB_IDENTITY_TOKEN_FILE: await file('sts', 'token'),
    };
    const place = { region: 'eu-west-1', endpoint };
    const login = cloud.identities(environment).aws(cloud.caller(), place);
    if (url !== undefined) expect(await login).toEqual(awsKeys);
    else await expect(login).rejects.toThrow('spec.sts.endpoint is no token service of AWS');
    expect(cloud.asked()).toHaveLength(url === undefined ? 0 : 1);
  });

  test('is what EKS gives to the pod', async () => {
    const url = 'http://169.254.170.23/v1/credentials';
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = awsKeys;
    const Expiration = '2026-01-01T01:00:00Z';
    cloud.answer({
      [`GET ${url}`]: { AccessKeyId, SecretAccessKey, Token: awsKeys.sessionToken, Expiration },
    });
    const environment = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await file('pod', 'pod-token'),
    };
    expect(await cloud.identities(environment).aws(cloud.caller())).toEqual(awsKeys);
    const headers = { authorization: 'pod-token' };
    expect(cloud.asked()).toEqual([{ method: 'GET', url, headers, body: '' }]);
  });

  test('is that of the machine', async () => {
    const base = 'http://169.254.169.254/latest';
    const roles = `${base}/meta-data/iam/security-credentials/`;
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = awsKeys;
    const Expiration = '2026-01-01T01:00:00Z';
    cloud.answer({
      [`PUT ${base}/api/token`]: 'machine-token',
      [`GET ${roles}`]: 'node-role',
      [`GET ${roles}node-role`]: {
        AccessKeyId,
        SecretAccessKey,
        Token: awsKeys.sessionToken,
        Expiration,
      },
    });
    expect(await cloud.identities({}).aws(cloud.caller())).toEqual(awsKeys);
    const headers = { 'x-aws-ec2-metadata-token': 'machine-token' };
    expect(cloud.asked()).toEqual([
      {
        method: 'PUT',
        url: `${base}/api/token`,
        headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
        body: '',
      },
      { method: 'GET', url: roles, headers, body: '' },
      { method: 'GET', url: `${roles}node-role`, headers, body: '' },
    ]);
  });

  test('is in the environment', async () => {
    const environment = {
      AWS_ACCESS_KEY_ID: awsKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: awsKeys.secretAccessKey,
    };
    const { sessionToken: _, ...keys } = awsKeys;
    expect(await cloud.identities(environment).aws(cloud.caller())).toEqual(keys);
  });

  test('logs in to registries', async () => {
    const expiresAt = Date.UTC(2026, 0, 1, 12) / 1000;
    const authorizationToken = Buffer.from('AWS:registry-password').toString('base64');
    cloud.answer({
      'POST https://api.ecr.eu-west-1.amazonaws.com/': {
        authorizationData: [{ authorizationToken, expiresAt }],
      },
      'POST https://api.ecr-public.us-east-1.amazonaws.com/': {
        authorizationData: { authorizationToken, expiresAt: expiresAt + 0.5 },
      },
    });
    const identities = cloud.identities({
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'session',
    });
    const login = { username: 'AWS', password: 'registry-password' };
    for (const host of ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'public.ecr.aws']) {
      expect(await identities.registry('aws', host, cloud.caller())).toEqual(login);
      expect(await identities.registry('aws', host, cloud.caller())).toEqual(login);
    }
    const [own, shared, ...more] = cloud.asked();
    expect(more).toEqual([]);
    expect(own).toEqual({
      method: 'POST',
      url: 'https://api.ecr.eu-west-1.amazonaws.com/',
      headers: {
        authorization: signature(own?.headers ?? {}, {
          host: 'api.ecr.eu-west-1.amazonaws.com',
          scope: '20260101/eu-west-1/ecr/aws4_request',
          body: '{}',
        }),
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-date': '20260101T000000Z',
        'x-amz-security-token': 'session',
        'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
      },
      body: '{}',
    });
    expect(shared?.headers['x-amz-target']).toBe('SpencerFrontendService.GetAuthorizationToken');
    expect(shared?.headers['authorization']).toContain('us-east-1/ecr-public/aws4_request');
  });
});

/** A signature as AWS's documentation computes it, over the headers that it says it is over. */
function signature(
  headers: Record<string, string>,
  o: { host: string; scope: string; body: string },
): string {
  const [, names = ''] = /SignedHeaders=([^,]*)/.exec(headers['authorization'] ?? '') ?? [];
  const value = (name: string) => (name === 'host' ? o.host : (headers[name] ?? ''));
  const lines = names.split(';').map((name) => `${name}:${value(name)}\n`);
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${hash(o.body)}`;
  const text = `AWS4-HMAC-SHA256\n20260101T000000Z\n${o.scope}\n${hash(canonical)}`;
  const sign = (key: string | Buffer, part: string) =>
    createHmac('sha256', key).update(part).digest();
  const key = o.scope.split('/').reduce<string | Buffer>(sign, 'AWS4secret');
  const hex = sign(key, text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=AKIA/${o.scope}, SignedHeaders=${names}, Signature=${hex}`;
}

describe('the identity of the controller in Azure', () => {
  const tenant = '11111111-2222-3333-4444-555555555555';
  const client = '66666666-7777-8888-9999-000000000000';
  const ids = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client };
  const url = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`;
  const scope = 'scope=https%3A%2F%2Fstorage.azure.com%2F.default&grant_type=client_credentials';
  const start = `client_id=${client}&${scope}`;

  test.each([
    {
      name: 'that of its service account',
      env: async () => ({ AZURE_FEDERATED_TOKEN_FILE: await file('azure', 'federated') }),
      body: `${start}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=federated`,
    },
    {
      name: 'an application with a password',
      env: async () => ({ AZURE_CLIENT_SECRET: 'pass word' }),
      body: `${start}&client_secret=pass+word`,
    },
  ])('is $name', async ({ env, body }) => {
    cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 3600 } });
    const identities = cloud.identities({ ...ids, ...(await env()) });
    expect(await identities.azure(cloud.caller(), azureScopes.storage)).toBe('token');
    expect(cloud.asked()).toEqual([{ method: 'POST', url, headers: form, body }]);
  });

  test('is that of the machine', async () => {
    const at = 'http://169.254.169.254/metadata/identity/oauth2/token';
    cloud.answer({ [`GET ${at}`]: { access_token: 'token', expires_in: '3600' } });
    const identities = cloud.identities({ AZURE_CLIENT_ID: client });
    expect(await identities.azure(cloud.caller(), azureScopes.devOps)).toBe('token');
    expect(cloud.asked()).toEqual([
      {
        method: 'GET',
        url: `${at}?api-version=2018-02-01&resource=499b84ac-1321-427f-aa17-267ca6975798&client_id=${client}`,
        headers: { metadata: 'true' },
        body: '',
      },
    ]);
  });

  test('logs in to registries', async () => {
    const payload = Buffer.from(JSON.stringify({ exp: Date.UTC(2026, 0, 1, 3) / 1000 }));
    const refresh = `x.${payload.toString('base64url')}.y`;
    cloud.answer({
      [`POST ${url}`]: { access_token: 'token', expires_in: 3600 },
      'POST https://shop.azurecr.io/oauth2/exchange': { refresh_token: refresh },
    });
    const identities = cloud.identities({ ...ids, AZURE_CLIENT_SECRET: 's' });
    const login = await identities.registry('azure', 'shop.azurecr.io', cloud.caller());
    expect(login).toEqual({
      username: '00000000-0000-0000-0000-000000000000',
      password: refresh,
    });
    expect(cloud.asked()[1]).toEqual({
      method: 'POST',
      url: 'https://shop.azurecr.io/oauth2/exchange',
      headers: form,
      body: 'grant_type=access_token&service=shop.azurecr.io&access_token=token',
    });
  });
});

describe('the identity of the controller in Google’s cloud', () => {
  test('comes from the metadata server', async () => {
    const at =
      'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';
    cloud.answer({ [`GET ${at}`]: { access_token: 'token', expires_in: 3000 } });
    const identities = cloud.identities({});
    expect(await identities.registry('gcp', 'europe-west1-docker.pkg.dev', cloud.caller())).toEqual(
      { username: 'oauth2accesstoken', password: 'token' },
    );
    expect(cloud.asked()).toEqual([
      {
        method: 'GET',
        url: `${at}?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%2Chttps%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email`,
        headers: { 'metadata-flavor': 'Google' },
        body: '',
      },
    ]);
  });

  test('is the service account whose key it has', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const url = 'https://oauth2.googleapis.com/token';
    const path = await file(
      'key.json',
      JSON.stringify({
        type: 'service_account',
        client_email: 'flux@shop.iam.gserviceaccount.com',
        private_key_id: 'k1',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
        token_uri: url,
      }),
    );
    cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 3600 } });
    const identities = cloud.identities({ GOOGLE_APPLICATION_CREDENTIALS: path });
    expect(await identities.gcp(cloud.caller())).toBe('token');
    const [asked] = cloud.asked();
    const sent = new URLSearchParams(asked?.body);
    expect(sent.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const currentDate = new Date(cloud.clock.now());
    const jwt = await jwtVerify(sent.get('assertion') ?? '', publicKey, { currentDate });
    const iat = cloud.clock.now() / 1000;
    expect(jwt.protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
    expect(jwt.payload).toEqual({
      iss: 'flux@shop.iam.gserviceaccount.com',
      scope:
        'https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email',
      aud: url,
      iat,
      exp: iat + 3600,
    });
  });

  test('takes part in workload identity federation', async () => {
    const impersonate =
      'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken';
    const path = await file(
      'federation.json',
      JSON.stringify({
        type: 'external_account',
        audience:
          '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        service_account_impersonation_url: impersonate,
        credential_source: { file: await file('subject', 'subject-token') },
      }),
    );
    cloud.answer({
      'POST https://sts.googleapis.com/v1/token': { access_token: 'pool-token' },
      [`POST ${impersonate}`]: { accessToken: 'token', expireTime: '2026-01-01T01:00:00Z' },
    });
    const identities = cloud.identities({ GOOGLE_APPLICATION_CREDENTIALS: path });
    expect(await identities.gcp(cloud.caller())).toBe('token');
    expect(cloud.asked()).toEqual([
      {
        method: 'POST',
        url: 'https://sts.googleapis.com/v1/token',
        headers: form,
        body: 'audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fp%2Fproviders%2Fq&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform&subject_token=subject-token&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt',
      },
      {
        method: 'POST',
        url: impersonate,
        headers: { authorization: 'Bearer pool-token', 'content-type': 'application/json' },
        body: '{"lifetime":"3600s","scope":["https://www.googleapis.com/auth/cloud-platform","https://www.googleapis.com/auth/userinfo.email"]}',
      },
    ]);
  });
});

describe('a login', () => {
  const url = 'https://login.microsoftonline.com/t/oauth2/v2.0/token';
  const environment = {
    AZURE_TENANT_ID: 't',
    AZURE_CLIENT_ID: 'c',
    AZURE_CLIENT_SECRET: 'canary-secret',
  };
  const ask = (identities: ReturnType<Cloud['identities']>) =>
    identities.azure(cloud.caller(), azureScopes.storage);

  test('is used for four fifths of its life, and by all that come meanwhile', async () => {
    cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 1000 } });
    const identities = cloud.identities(environment);
    await Promise.all([ask(identities), ask(identities)]);
    await cloud.clock.advance(799_000);
    await ask(identities);
    expect(cloud.asked()).toHaveLength(1);
    await cloud.clock.advance(1_000);
    await ask(identities);
    expect(cloud.asked()).toHaveLength(2);
  });

  test('that still holds is used while no other is given, until it ends', async () => {
    const answer = { [`POST ${url}`]: { access_token: 'token', expires_in: 1000 } };
    cloud.answer(answer);
    const identities = cloud.identities(environment);
    await ask(identities);
    cloud.answer({});
    await cloud.clock.advance(990_000);
    expect(await ask(identities)).toBe('token');
    expect(await ask(identities)).toBe('token');
    expect(cloud.asked()).toHaveLength(1);
    await cloud.clock.advance(10_000);
    await expect(ask(identities)).rejects.toThrow('status 404');
  });

  test('is not kept when no tokens are to be kept', async () => {
    cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 1000 } });
    const identities = cloud.identities(environment, { maxSize: 0 });
    await ask(identities);
    await ask(identities);
    expect(cloud.asked()).toHaveLength(2);
  });

  test('that is refused says what the service said, without what was sent', async () => {
    const body = JSON.stringify({
      error: 'invalid_client',
      error_description: 'AADSTS7000215: wrong secret canary-secret\u0000',
    });
    cloud.answer({ [`POST ${url}`]: { status: 401, body, headers: { 'retry-after': '7' } } });
    const failure = ask(cloud.identities(environment));
    await expect(failure).rejects.toThrow(
      'login.microsoftonline.com refused a login with status 401: invalid_client: AADSTS7000215: wrong secret *****',
    );
    await expect(failure).rejects.toMatchObject({ retryAfterMs: 7000 });
  });

  test.each([
    { cloud: 'aws' as const, host: 'registry.example.com', says: 'no registry of AWS' },
    { cloud: 'azure' as const, host: 'azurecr.io.example.com', says: 'no registry of Azure' },
    { cloud: 'gcp' as const, host: 'gcr.io.example.com', says: 'no registry of Google' },
  ])('to a registry that is not of $cloud is refused', async ({ cloud: name, host, says }) => {
    cloud.answer({});
    const login = cloud.identities({}).registry(name, host, cloud.caller());
    await expect(login).rejects.toThrow(says);
    expect(cloud.asked()).toEqual([]);
  });
});
