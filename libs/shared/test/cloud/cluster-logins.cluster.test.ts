import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { createCertificateAuthority, testCluster, testNamespace } from '@sluice/testing';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, startCloud, stsAnswer } from './cloud-bed.ts';
import { logInTo } from './cluster-bed.ts';

let cloud: Cloud;
let client: KubeClient;
let namespace: string;
let ca: string;

beforeAll(async () => {
  cloud = await startCloud();
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'logins');
  ca = (await createCertificateAuthority()).cert;
  for (const [name, annotations] of [
    ['deployer', {}],
    ['role', { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/shop' }],
  ] as const) {
    await client.create(coreResources.serviceAccounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace, annotations },
    });
  }
});
afterAll(() => cloud.close());

const logIn = (
  data: Record<string, string>,
  o: { defaultServiceAccount?: string; isObjectLevel?: boolean } = {},
) => logInTo(cloud, cloud.identities({}, o), data, { client, namespace });

const generic = { provider: 'generic', address: 'https://Remote.example.com:6443/' };

describe('a cluster that trusts this one takes a token of the account', () => {
  const cases: { name: string; more: Record<string, string>; audiences: string[] }[] = [
    { name: 'for its address, as it is written', more: {}, audiences: [generic.address] },
    {
      name: 'for the audiences that are told',
      more: { audiences: 'first\n  second\n\n' },
      audiences: ['first', 'second'],
    },
  ];
  test.each(cases)('$name', async ({ more, audiences }) => {
    const login = await logIn({ ...generic, ...more, serviceAccountName: 'deployer' });
    expect(login).toMatchObject({ server: 'https://remote.example.com:6443' });
    expect(login.ca).toBeUndefined();
    const token = await login.token();
    const { aud, sub, iat = 0, exp = 0 } = decodeJwt(token);
    expect({ aud, sub }).toEqual({
      aud: audiences,
      sub: `system:serviceaccount:${namespace}:deployer`,
    });
    expect(exp - iat).toBe(3600);
    expect(await login.token()).toBe(token);
    expect(await login.token(token)).not.toBe(token);
  });

  test('which the administrator may choose for those that name none', async () => {
    const login = await logIn(generic, { defaultServiceAccount: 'deployer' });
    const { sub } = decodeJwt(await login.token());
    expect(sub).toBe(`system:serviceaccount:${namespace}:deployer`);
  });

  test('with the feature gate alone', async () => {
    const data = { ...generic, serviceAccountName: 'deployer' };
    const login = logIn(data, { isObjectLevel: false });
    await expect(login).rejects.toThrow('feature gate ObjectLevelWorkloadIdentity');
  });
});

test('a token of an account goes where its namespace says, and no cloud is asked where that is', async () => {
  const sts = 'https://sts.eu-central-1.amazonaws.com/';
  cloud.answer({ [`POST ${sts}`]: stsAnswer('AssumeRoleWithWebIdentity') });
  const login = await logIn({
    provider: 'aws',
    cluster: 'arn:aws:eks:eu-central-1:123456789012:cluster/prod',
    address: 'https://eks.proxy.example.com',
    'ca.crt': ca,
    audiences: 'aws.example.com',
    serviceAccountName: 'role',
  });
  expect(login).toMatchObject({ server: 'https://eks.proxy.example.com', ca });
  const [asked, ...more] = cloud.asked();
  expect(more).toEqual([]);
  expect(asked?.url).toBe(sts);
  const token = new URLSearchParams(asked?.body).get('WebIdentityToken') ?? '';
  expect(decodeJwt(token).aud).toEqual(['aws.example.com']);
  const signed = Buffer.from((await login.token()).slice('k8s-aws-v1.'.length), 'base64url');
  expect(signed.toString()).toContain('X-Amz-Credential=ASIAKEY%2F20260101%2Feu-central-1');
});
