import { randomBytes } from 'node:crypto';
import { coreResources } from '@sluice/shared/kube';
import { type Registry, startConnectProxy, startRegistry } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarGz } from '../archives.ts';
import { conditionOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const login = { username: 'user', password: 'canary-2b8d' };
const pullSecret = 'kubernetes.io/dockerconfigjson';

let bed: SourceBed;
let basic: Registry;
let token: Registry;
let secure: Registry;
let mutual: Registry;

function configFor(registry: Registry, password = login.password): Record<string, string> {
  const auth = Buffer.from(`${login.username}:${password}`).toString('base64');
  return { '.dockerconfigjson': JSON.stringify({ auths: { [registry.host]: { auth } } }) };
}

beforeAll(async () => {
  [bed, basic, token, secure, mutual] = await Promise.all([
    startSourceBed(),
    startRegistry({ auth: { ...login, via: 'basic' } }),
    startRegistry({ auth: { ...login, via: 'token' } }),
    startRegistry({ tls: true }),
    startRegistry({ tls: 'mutual' }),
  ]);
  const data = tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]);
  const layers = [{ mediaType: 'application/vnd.cncf.flux.content.v1.tar+gzip', data }];
  for (const registry of [basic, token, secure, mutual]) {
    await registry.pushArtifact({ repository: 'app', tag: 'latest', layers });
  }
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  const registries = [basic, token, secure, mutual];
  await Promise.all([bed?.stop(), ...registries.map((registry) => registry?.stop())]);
  expect(log).not.toContain(login.password);
});

const urlOf = (registry: Registry) => `${registry.ociUrl}/app`;

describe('credentials of an OCIRepository', () => {
  it.each([
    { name: 'basic', registry: () => basic },
    { name: 'token', registry: () => token },
  ])('log in by $name', async ({ name, registry }) => {
    await bed.createSecret(name, configFor(registry()), pullSecret);
    const spec = { url: urlOf(registry()), insecure: true };
    await bed.ready(await bed.createOci(name, { ...spec, secretRef: { name } }));

    const anonymous = await bed.createOci(`${name}-anonymous`, spec);
    await bed.failed(anonymous, 'AuthenticationFailed');

    await bed.createSecret(
      `${name}-bad`,
      configFor(registry(), `${login.password}-bad`),
      pullSecret,
    );
    const bad = await bed.createOci(`${name}-bad`, { ...spec, secretRef: { name: `${name}-bad` } });
    const failed = await bed.failed(bad, 'AuthenticationFailed');
    expect(JSON.stringify(failed.status)).not.toContain(login.password);
  });

  it('may come from the image pull secrets of a service account', async () => {
    await bed.createSecret('pull', configFor(basic), pullSecret);
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'puller', namespace: bed.namespace },
      imagePullSecrets: [{ name: 'pull' }],
    };
    await bed.client.create(coreResources.serviceAccounts, account);
    const spec = { url: urlOf(basic), insecure: true };
    await bed.ready(await bed.createOci('account', { ...spec, serviceAccountName: 'puller' }));

    const missing = await bed.createOci('no-account', { ...spec, serviceAccountName: 'nobody' });
    const failed = await bed.failed(missing, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain("/nobody'");
  });

  it('name a Secret that is missing or of another kind', async () => {
    const spec = { url: urlOf(basic), insecure: true };
    const missing = await bed.createOci('missing', { ...spec, secretRef: { name: 'nowhere' } });
    const failed = await bed.failed(missing, 'AuthenticationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain(`${bed.namespace}/nowhere`);

    await bed.createSecret('opaque', { username: 'x' });
    const opaque = await bed.createOci('opaque', { ...spec, secretRef: { name: 'opaque' } });
    const refused = await bed.failed(opaque, 'AuthenticationFailed');
    expect(conditionOf(refused, 'Ready')?.message).toContain(pullSecret);
  });
});

describe('the registry of an OCIRepository', () => {
  it('is trusted by the authority in the Secret only', async () => {
    const unknown = await bed.createOci('unknown-ca', { url: urlOf(secure) });
    await bed.failed(unknown, 'OCIArtifactPullFailed');

    await bed.createSecret('ca', { 'ca.crt': secure.ca ?? '' });
    const spec = { url: urlOf(secure), certSecretRef: { name: 'ca' } };
    await bed.ready(await bed.createOci('known-ca', spec));
  });

  it('may want a client certificate, which the Secret holds', async () => {
    const ca = { 'ca.crt': mutual.ca ?? '' };
    await bed.createSecret('no-client', ca);
    const spec = { url: urlOf(mutual) };
    const refused = await bed.createOci('no-client', {
      ...spec,
      certSecretRef: { name: 'no-client' },
    });
    await bed.failed(refused, 'OCIArtifactPullFailed');

    const { cert = '', key = '' } = mutual.client ?? {};
    await bed.createSecret('half', { ...ca, 'tls.crt': cert });
    const half = await bed.createOci('half', { ...spec, certSecretRef: { name: 'half' } });
    const failed = await bed.failed(half, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('both tls.crt and tls.key');

    await bed.createSecret('client', { ...ca, 'tls.crt': cert, 'tls.key': key });
    await bed.ready(await bed.createOci('client', { ...spec, certSecretRef: { name: 'client' } }));
  });

  it('may break the connection, and is asked for the rest only', async () => {
    const data = tarGz([{ path: 'long.txt', content: randomBytes(400_000).toString('base64') }]);
    const layers = [{ mediaType: 'x', data }];
    const digest = await basic.pushArtifact({ repository: 'app', tag: 'long', layers });
    const ranges: (string | undefined)[] = [];
    basic.onRequest = ({ path, headers }, response) => {
      if (!path.includes('/blobs/') || headers.authorization === undefined) return false;
      ranges.push(headers.range);
      if (headers.range !== undefined) return false;
      response.writeHead(200, { 'content-length': data.length });
      response.write(data.subarray(0, 200_000), () => response.destroy());
      return true;
    };
    await bed.createSecret('broken', configFor(basic), pullSecret);
    const object = await bed.createOci('broken', {
      url: urlOf(basic),
      insecure: true,
      ref: { tag: 'long' },
      secretRef: { name: 'broken' },
    });
    await bed.ready(object, `long@${digest}`);
    basic.onRequest = undefined;
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1)).toEqual([expect.stringMatching(/^bytes=\d+-$/)]);
  });

  it('is reached through the proxy in the Secret, with its login', async () => {
    const proxy = await startConnectProxy();
    const values = { address: proxy.url, username: 'p', password: login.password };
    await bed.createSecret('proxy', values);
    const spec = { url: urlOf(secure), certSecretRef: { name: 'ca' } };
    await bed.ready(await bed.createOci('proxied', { ...spec, proxySecretRef: { name: 'proxy' } }));
    const authorization = `Basic ${Buffer.from(`p:${login.password}`).toString('base64')}`;
    expect(proxy.asked[0]).toEqual({ target: secure.host, authorization });
    proxy.close();
    await bed.createSecret('no-proxy', { username: 'p' });
    const bad = await bed.createOci('bad-proxy', { ...spec, proxySecretRef: { name: 'no-proxy' } });
    await bed.failed(bad, 'AuthenticationFailed');
  });

  it('may lack the tag, and get it later', async () => {
    const spec = { url: urlOf(secure), certSecretRef: { name: 'ca' }, ref: { tag: 'later' } };
    const object = await bed.createOci('later', spec);
    const failed = await bed.failed(object, 'OCIArtifactPullFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('manifests/later: not found');

    const layers = [{ mediaType: 'x', data: tarGz([{ path: 'a', content: '1' }]) }];
    const digest = await secure.pushArtifact({ repository: 'app', tag: 'later', layers });
    await bed.ready(object, `later@${digest}`);
  });

  it('may be busy', async () => {
    let refusals = 0;
    secure.onRequest = (_, response) => {
      if (refusals++ > 1) return false;
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    };
    const spec = { url: urlOf(secure), certSecretRef: { name: 'ca' } };
    const object = await bed.createOci('busy', spec);
    const failed = await bed.failed(object, 'OCIArtifactPullFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('status 429');
    await bed.ready(object);
    expect(refusals).toBeGreaterThan(2);
  });

  it('of a cloud is that of its provider', async () => {
    const object = await bed.createOci('aws', { url: urlOf(basic), provider: 'aws' });
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('is no registry of AWS');
  });

  it('of a cloud gets no token of the controller where others could read it', async () => {
    const spec = { url: 'oci://gcr.io/project/app', provider: 'gcp' as const };
    for (const [name, more, why] of [
      ['plain', { insecure: true }, 'spec.insecure'],
      ['trusting', { certSecretRef: { name: 'ca' } }, 'a CA that the object names'],
    ] as const) {
      const object = await bed.createOci(name, { ...spec, ...more });
      const failed = await bed.failed(object, 'AuthenticationFailed');
      expect(conditionOf(failed, 'Ready')?.message).toContain(
        `the controller's identity is not used with ${why}`,
      );
    }
  });

  it.each([
    {
      name: 'verify',
      spec: {
        verify: { provider: 'cosign' as const, matchOIDCIdentity: [{ issuer: '(', subject: '.' }] },
      },
      reason: 'VerificationError',
      message: /spec\.verify\.matchOIDCIdentity\[0\]\.issuer/,
    },
    {
      name: 'account',
      spec: { provider: 'aws' as const, serviceAccountName: 'me' },
      reason: 'FeatureGateDisabled',
      message: /spec\.serviceAccountName needs the feature gate/,
    },
    {
      name: 'url',
      spec: { url: 'oci://example.com/app:v1' },
      reason: 'URLInvalid',
      message: /move ':v1' to spec\.ref/,
    },
    {
      name: 'digest',
      spec: { ref: { digest: 'sha256:abc' } },
      reason: 'InvalidReference',
      message: /spec\.ref\.digest 'sha256:abc'/,
    },
    {
      name: 'filter',
      spec: { ref: { semver: '*', semverFilter: '(' } },
      reason: 'InvalidReference',
      message: /spec\.ref\.semverFilter '\('/,
    },
  ])(
    'stalls the object for a value it cannot use: $name',
    async ({ name, spec, reason, message }) => {
      const object = await bed.createOci(`bad-${name}`, { url: urlOf(basic), ...spec });
      const stalled = await bed.failed(object, reason);
      expect(conditionOf(stalled, 'Stalled')?.status).toBe('True');
      expect(conditionOf(stalled, 'Ready')?.message).toMatch(message);
    },
  );
});
