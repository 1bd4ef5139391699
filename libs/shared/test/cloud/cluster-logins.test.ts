import { createHash, createHmac } from 'node:crypto';
import { KubeConfigError } from '@sluice/shared/kube';
import { createCertificateAuthority } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, form, startCloud } from './cloud-bed.ts';
import { eksAnswer, logInTo } from './cluster-bed.ts';

let cloud: Cloud;
let ca: string;
let otherCa: string;
beforeAll(async () => {
  cloud = await startCloud();
  ca = (await createCertificateAuthority()).cert;
  otherCa = (await createCertificateAuthority()).cert;
});
afterAll(() => cloud.close());

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a cluster of AWS', () => {
  const arn = 'arn:aws:eks:eu-central-1:123456789012:cluster/prod';
  const data = { provider: 'aws', cluster: arn };
  const endpoint = 'https://ABC.gr7.eu-central-1.eks.amazonaws.com';
  const server = 'https://abc.gr7.eu-central-1.eks.amazonaws.com';
  const url = 'https://eks.eu-central-1.amazonaws.com/clusters/prod';
  const environment = {
    AWS_ACCESS_KEY_ID: 'AKIA',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'session/==',
  };

  test('is found at EKS, and takes a signed request as a token', async () => {
    cloud.answer({ [`GET ${url}`]: eksAnswer({ arn, endpoint, ca }) });
    const login = await logInTo(cloud, cloud.identities(environment), data);
    expect(login).toMatchObject({ server, ca });
    const [asked, ...more] = cloud.asked();
    expect(more).toEqual([]);
    expect(asked).toEqual({
      method: 'GET',
      url,
      headers: {
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIA\/20260101\/eu-central-1\/eks\/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
        ),
        'x-amz-date': '20260101T000000Z',
        'x-amz-security-token': 'session/==',
      },
      body: '',
    });
    const token = await login.token();
    expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
    const signed = Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString('utf8');
    expect(signed).toBe(presigned('AKIA', 'secret', 'session/=='));
  });

  /** The address as AWS's documentation computes it. */
  function presigned(key: string, secret: string, session: string): string {
    const host = 'sts.eu-central-1.amazonaws.com';
    const scope = '20260101/eu-central-1/sts/aws4_request';
    const query = [
      ['Action', 'GetCallerIdentity'],
      ['Version', '2011-06-15'],
      ['X-Amz-Expires', '900'],
      ['X-Amz-Date', '20260101T000000Z'],
      ['X-Amz-Security-Token', session],
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', `${key}/${scope}`],
      ['X-Amz-SignedHeaders', 'host;x-k8s-aws-id'],
    ].map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`);
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const canonical = [
      'GET',
      '/',
      query.toSorted().join('&'),
      `host:${host}`,
      'x-k8s-aws-id:prod',
      '',
      'host;x-k8s-aws-id',
      hash(''),
    ].join('\n');
    const sign = (by: string | Buffer, text: string) =>
      createHmac('sha256', by).update(text).digest();
    const by = scope.split('/').reduce<string | Buffer>(sign, `AWS4${secret}`);
    const text = `AWS4-HMAC-SHA256\n20260101T000000Z\n${scope}\n${hash(canonical)}`;
    const signature = sign(by, text).toString('hex');
    return `https://${host}/?${query.join('&')}&X-Amz-Signature=${signature}`;
  }

  test('gets another token before the first ends, and when that is refused', async () => {
    const { clock } = cloud;
    cloud.answer({ [`GET ${url}`]: eksAnswer({ arn, endpoint, ca }) });
    const login = await logInTo(cloud, cloud.identities(environment), data);
    const first = await login.token();
    await clock.advance(11 * 60_000);
    expect(await login.token()).toBe(first);
    await clock.advance(60_000);
    const second = await login.token();
    expect(second).not.toBe(first);
    await clock.advance(1_000);
    expect(await login.token(first)).toBe(second);
    expect(await login.token(second)).not.toBe(second);
  });

  test('of another account is not taken for one of the same name', async () => {
    const other = arn.replace('123456789012', '210987654321');
    cloud.answer({ [`GET ${url}`]: eksAnswer({ arn: other, endpoint, ca }) });
    const login = logInTo(cloud, cloud.identities(environment), data);
    await expect(login).rejects.toThrow('cluster names another account');
  });

  test.each([
    {
      name: 'another address',
      more: () => ({ address: 'https://evil.example.com' }),
      says: `address is not one of the cluster: leave it out, or write one of these: ${server}`,
    },
    {
      name: 'another address and its authority',
      more: () => ({ address: 'https://evil.example.com', 'ca.crt': otherCa }),
      says: 'address is not one of the cluster',
    },
    {
      name: 'another authority',
      more: () => ({ 'ca.crt': otherCa }),
      says: "ca.crt is not that of the cluster, and the controller's identity is used with no other",
    },
  ])('gives no token of the controller to $name', async ({ more, says }) => {
    cloud.answer({ [`GET ${url}`]: eksAnswer({ arn, endpoint, ca }) });
    const login = logInTo(cloud, cloud.identities(environment), { ...data, ...more() });
    await expect(login).rejects.toThrow(says);
  });

  test('may be told as the cloud tells it', async () => {
    cloud.answer({ [`GET ${url}`]: eksAnswer({ arn, endpoint, ca }) });
    const told = { ...data, address: `${endpoint.slice('https://'.length)}:443`, 'ca.crt': ca };
    const login = await logInTo(cloud, cloud.identities(environment), told);
    expect(login).toMatchObject({ server, ca });
  });
});

describe('a cluster of Azure', () => {
  const id =
    '/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/shop-(eu)/providers/Microsoft.ContainerService/managedClusters/prod';
  const data = { provider: 'azure', cluster: id };
  const environment = {
    AZURE_TENANT_ID: 't',
    AZURE_CLIENT_ID: 'c',
    AZURE_CLIENT_SECRET: 's',
  };
  const login = 'https://login.microsoftonline.com/t/oauth2/v2.0/token';
  const at = `https://management.azure.com${id}`;
  const server = 'https://prod-abc.hcp.westeurope.azmk8s.io:443';
  const canonical = 'https://prod-abc.hcp.westeurope.azmk8s.io';
  const kubeconfig = (address: string) => ({
    name: 'clusterUser',
    value: base64(
      JSON.stringify({
        'current-context': 'prod',
        contexts: [{ name: 'prod', context: { cluster: 'prod', user: 'u' } }],
        clusters: [
          {
            name: 'prod',
            cluster: { server: address, 'certificate-authority-data': base64(ca) },
          },
        ],
        users: [{ name: 'u', user: { exec: { command: 'kubelogin' } } }],
      }),
    ),
  });
  const answers = (properties: object = { aadProfile: { managed: true } }) => ({
    [`POST ${login}`]: { access_token: 'azure-token', expires_in: 3600 },
    [`GET ${at}`]: { properties },
    [`POST ${at}/listClusterUserCredential`]: {
      kubeconfigs: [kubeconfig(server), kubeconfig('https://private.example.com')],
    },
  });

  test('is found at the management of resources, and takes tokens of its own scope', async () => {
    cloud.answer(answers());
    const found = await logInTo(cloud, cloud.identities(environment), data);
    expect(found).toMatchObject({ server: canonical, ca });
    expect(await found.token()).toBe('azure-token');
    const headers = { authorization: 'Bearer azure-token' };
    const ask = (scope: string) => ({
      method: 'POST',
      url: login,
      headers: form,
      body: `client_id=c&scope=${encodeURIComponent(scope)}&grant_type=client_credentials&client_secret=s`,
    });
    const version = 'api-version=2024-09-01';
    expect(cloud.asked()).toEqual([
      ask('https://management.core.windows.net//.default'),
      { method: 'GET', url: `${at}?${version}`, headers, body: '' },
      { method: 'POST', url: `${at}/listClusterUserCredential?${version}`, headers, body: '' },
      ask('6dae42f8-4368-4678-94ff-3960e28e3630/.default'),
    ]);
  });

  test('may be reached by another of its addresses', async () => {
    cloud.answer(answers());
    const told = { ...data, address: 'private.example.com' };
    const found = await logInTo(cloud, cloud.identities(environment), told);
    expect(found.server).toBe('https://private.example.com');
  });

  test('has to take tokens of Entra ID', async () => {
    cloud.answer(answers({}));
    const found = logInTo(cloud, cloud.identities(environment), data);
    await expect(found).rejects.toThrow('cluster takes no tokens of Microsoft Entra ID');
  });

  test.each([
    { authority: 'https://login.chinacloudapi.cn', host: 'management.chinacloudapi.cn' },
    { authority: 'https://login.microsoftonline.us', host: 'management.usgovcloudapi.net' },
  ])('of the cloud at $authority is looked for at $host', async ({ authority, host }) => {
    cloud.answer({ [`POST ${authority}/t/oauth2/v2.0/token`]: { access_token: 'token' } });
    const env = { ...environment, AZURE_AUTHORITY_HOST: authority };
    await expect(logInTo(cloud, cloud.identities(env), data)).rejects.toThrow(host);
  });
});

describe('a cluster of Google', () => {
  const name = 'projects/shop/locations/europe-west1/clusters/prod';
  const data = { provider: 'gcp', cluster: name };
  const metadata =
    'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';
  const at = `https://container.googleapis.com/v1/${name}`;
  const byName = 'gke-abc.europe-west1.gke.goog';
  const answers = () => ({
    [`GET ${metadata}`]: { access_token: 'google-token', expires_in: 3000 },
    [`GET ${at}`]: {
      endpoint: '203.0.113.7',
      masterAuth: { clusterCaCertificate: base64(ca) },
      privateClusterConfig: { privateEndpoint: '10.1.2.3' },
      controlPlaneEndpointsConfig: { dnsEndpointConfig: { endpoint: byName } },
    },
  });

  test('is found at GKE, and takes the token that asked for it', async () => {
    cloud.answer(answers());
    const login = await logInTo(cloud, cloud.identities({}), data);
    expect(login).toMatchObject({ server: 'https://203.0.113.7', ca });
    expect(await login.token()).toBe('google-token');
    const [, asked, ...more] = cloud.asked();
    expect(more).toEqual([]);
    const headers = { authorization: 'Bearer google-token' };
    expect(asked).toEqual({ method: 'GET', url: at, headers, body: '' });
  });

  test('may be reached by its private address, and by its name, which has a public certificate', async () => {
    cloud.answer(answers());
    const identities = cloud.identities({});
    const inside = await logInTo(cloud, identities, { ...data, address: '10.1.2.3' });
    expect(inside).toMatchObject({ server: 'https://10.1.2.3', ca });
    const named = await logInTo(cloud, identities, { ...data, address: byName });
    expect(named.server).toBe(`https://${byName}`);
    expect(named.ca).toBeUndefined();
  });
});

describe('nothing is asked when', () => {
  const generic = { provider: 'generic', address: 'https://remote.example.com' };
  const refused: { name: string; data: Record<string, string>; says: string }[] = [
    { name: 'no provider is named', data: {}, says: 'provider must be aws' },
    { name: 'the provider is none', data: { provider: 'ldap' }, says: 'provider must be aws' },
    {
      name: 'the generic provider has no address',
      data: { provider: 'generic' },
      says: 'address is needed',
    },
    {
      name: 'the address is plain HTTP',
      data: { ...generic, address: 'http://remote.example.com' },
      says: 'address is no address of an API server: write https://<host>:<port>',
    },
    {
      name: 'the address has a path',
      data: { ...generic, address: 'https://remote.example.com/k8s/clusters/c-1' },
      says: 'address is no address',
    },
    {
      name: 'the address has a user',
      data: { ...generic, address: 'https://kubernetes.default.svc@evil.example.com' },
      says: 'address is no address',
    },
    {
      name: 'the authority is no certificate',
      data: { ...generic, 'ca.crt': 'canary-text' },
      says: 'ca.crt must hold certificates in PEM',
    },
    {
      name: 'the account is no name',
      data: { ...generic, serviceAccountName: '../evil' },
      says: 'serviceAccountName is no name',
    },
    {
      name: 'the identity would be that of the controller',
      data: { ...generic, audiences: 'https://kubernetes.default.svc' },
      says: "the controller's identity is not used where an object names the address: set serviceAccountName",
    },
    {
      name: 'the feature gate is off',
      data: { ...generic, serviceAccountName: 'deployer' },
      says: 'feature gate ObjectLevelWorkloadIdentity',
    },
    {
      name: 'the cluster is none of AWS',
      data: { provider: 'aws', cluster: 'arn:aws:eks:eu/../x:1:cluster/y' },
      says: 'cluster is no cluster of AWS: write arn:aws:eks:<region>',
    },
    {
      name: 'the cluster is none of Azure',
      data: { provider: 'azure', cluster: '/subscriptions/x' },
      says: 'cluster is no cluster of Azure: write /subscriptions/<id>',
    },
    {
      name: 'the cluster is none of Google',
      data: { provider: 'gcp', cluster: 'projects/../locations/x/clusters/y' },
      says: 'cluster is no cluster of Google: write projects/<project>',
    },
  ];
  test.each(refused)('$name', async ({ data, says }) => {
    cloud.answer({});
    const identities = cloud.identities({}, { isObjectLevel: false });
    const failure = await logInTo(cloud, identities, data).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(KubeConfigError);
    expect(String(failure)).toContain(says);
    expect(String(failure)).not.toContain('canary');
    expect(cloud.asked()).toEqual([]);
  });
});
