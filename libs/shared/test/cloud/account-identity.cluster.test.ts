import { azureScopes, CloudLoginError } from '@sluice/shared/cloud';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, form, startCloud, stsAnswer } from './cloud-bed.ts';

let cloud: Cloud;
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  cloud = await startCloud();
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'cloud');
});

afterAll(() => cloud.close());

async function account(name: string, annotations: Record<string, string>) {
  await client.create(coreResources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, annotations },
  });
}

const as = (serviceAccountName: string) => cloud.caller({ client, namespace, serviceAccountName });

/** The token that was sent, once it is one of the API server for that account and audience. */
function tokenIn(body: string | undefined, field: string, name: string, audience: string): string {
  const token = new URLSearchParams(body).get(field) ?? '';
  const { aud, sub } = decodeJwt(token);
  expect({ aud, sub }).toEqual({
    aud: [audience],
    sub: `system:serviceaccount:${namespace}:${name}`,
  });
  return token;
}

describe('the identity of a service account', () => {
  test('in AWS is a role', async () => {
    await account('aws', { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/shop' });
    const url = 'https://sts.eu-central-1.amazonaws.com/';
    cloud.answer({ [`POST ${url}`]: stsAnswer('AssumeRoleWithWebIdentity') });
    const identities = cloud.identities({});
    const login = () => identities.aws(as('aws'), { region: 'eu-central-1' });
    expect(await login()).toEqual({
      accessKeyId: 'ASIAKEY',
      secretAccessKey: 'c2Vj/cmV0',
      sessionToken: 'session==',
    });
    await login();
    const [asked, ...more] = cloud.asked();
    expect(more).toEqual([]);
    const token = tokenIn(asked?.body, 'WebIdentityToken', 'aws', 'sts.amazonaws.com');
    const session = `aws.${namespace}.eu-central-1.fluxcd.io`;
    expect(asked).toEqual({
      method: 'POST',
      url,
      headers: form,
      body: `Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fshop&RoleSessionName=${session}&Version=2011-06-15&WebIdentityToken=${token}`,
    });
  });

  test('in Azure is a managed identity', async () => {
    await account('azure', {
      'azure.workload.identity/tenant-id': 'tenant-1',
      'azure.workload.identity/client-id': 'client-1',
    });
    const url = 'https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token';
    cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 3600 } });
    const identities = cloud.identities({});
    expect(await identities.azure(as('azure'), azureScopes.eventHubs)).toBe('token');
    const [asked] = cloud.asked();
    const token = tokenIn(asked?.body, 'client_assertion', 'azure', 'api://AzureADTokenExchange');
    expect(asked).toEqual({
      method: 'POST',
      url,
      headers: form,
      body: `client_id=client-1&scope=https%3A%2F%2Feventhubs.azure.net%2F%2F.default&grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${token}`,
    });
  });

  const provider = 'projects/7/locations/global/workloadIdentityPools/pool/providers/cluster';
  const sts = 'https://sts.googleapis.com/v1/token';
  const exchangeOf = (audience: string, scope: string, token: string) =>
    new URLSearchParams({
      audience,
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope,
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }).toString();

  test('in Google’s cloud is that of a provider, and a service account there', async () => {
    const email = 'shop@project.iam.gserviceaccount.com';
    await account('gcp', {
      'gcp.auth.fluxcd.io/workload-identity-provider': provider,
      'iam.gke.io/gcp-service-account': email,
    });
    const impersonate = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
    cloud.answer({
      [`POST ${sts}`]: { access_token: 'pool-token' },
      [`POST ${impersonate}`]: { accessToken: 'token', expireTime: '2026-01-01T01:00:00Z' },
    });
    expect(await cloud.identities({}).gcp(as('gcp'))).toBe('token');
    const [exchange, impersonation] = cloud.asked();
    const audience = `//iam.googleapis.com/${provider}`;
    const token = tokenIn(exchange?.body, 'subject_token', 'gcp', audience);
    const scope = 'https://www.googleapis.com/auth/cloud-platform';
    expect(exchange?.body).toBe(exchangeOf(audience, scope, token));
    expect(impersonation).toMatchObject({
      url: impersonate,
      headers: { authorization: 'Bearer pool-token' },
    });
  });

  test('in a cluster of Google is that of the pool which its metadata tell', async () => {
    await account('gke', {});
    const metadata = 'http://metadata.google.internal/computeMetadata/v1';
    cloud.answer({
      [`GET ${metadata}/project/project-id`]: 'shop',
      [`GET ${metadata}/instance/attributes/cluster-location`]: 'europe-west1',
      [`GET ${metadata}/instance/attributes/cluster-name`]: 'prod',
      [`POST ${sts}`]: { access_token: 'token', expires_in: 3600 },
    });
    expect(await cloud.identities({}).gcp(as('gke'))).toBe('token');
    const exchange = cloud.asked().find(({ url }) => url === sts);
    const token = tokenIn(exchange?.body, 'subject_token', 'gke', 'shop.svc.id.goog');
    const audience =
      'identitynamespace:shop.svc.id.goog:https://container.googleapis.com/v1/projects/shop/locations/europe-west1/clusters/prod';
    const scope =
      'https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email';
    expect(exchange?.body).toBe(exchangeOf(audience, scope, token));
  });

  test('may be chosen by the administrator for objects that name none', async () => {
    await account('fallback', {
      'azure.workload.identity/tenant-id': 'tenant-2',
      'azure.workload.identity/client-id': 'client-2',
    });
    const url = 'https://login.microsoftonline.com/tenant-2/oauth2/v2.0/token';
    cloud.answer({ [`POST ${url}`]: { access_token: 'token', expires_in: 3600 } });
    const identities = cloud.identities({}, { defaultServiceAccount: 'fallback' });
    const caller = cloud.caller({ client, namespace });
    expect(await identities.azure(caller, azureScopes.storage)).toBe('token');
  });

  test('needs an account with fitting annotations, and the feature gate', async () => {
    await account('wrong', {
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:user/me',
      'azure.workload.identity/tenant-id': '../evil',
      'azure.workload.identity/client-id': 'c',
      'gcp.auth.fluxcd.io/workload-identity-provider': 'projects/x',
    });
    cloud.answer({});
    const identities = cloud.identities({});
    const { storage } = azureScopes;
    const place = { region: 'eu-west-1' };
    const ungated = cloud.identities({}, { isObjectLevel: false });
    const defaulted = cloud.identities({}, { defaultServiceAccount: 'nobody' });
    for (const [login, says] of [
      [() => identities.aws(as('wrong'), place), /wrong annotation eks\.amazonaws\.com\/role-arn/],
      [() => identities.azure(as('wrong'), storage), /wrong annotation azure.*tenant-id/],
      [() => identities.gcp(as('wrong')), /wrong annotation gcp.*provider/],
      [() => identities.aws(as('nobody'), place), /nobody': it does not exist/],
      [() => ungated.aws(as('wrong'), place), /feature gate ObjectLevelWorkloadIdentity/],
      [
        () => defaulted.aws(cloud.caller({ client, namespace })),
        /nobody', which --default-service-account chooses/,
      ],
    ] as const) {
      const failure = await login().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(CloudLoginError);
      expect(String(failure)).toMatch(says);
    }
    expect(cloud.asked()).toEqual([]);
  });
});
