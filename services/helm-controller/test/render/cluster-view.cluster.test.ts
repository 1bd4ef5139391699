import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  coreResources,
  type KubeClient,
  serviceAccountIdentity,
} from '@sluice/shared/kube';
import { until } from '@sluice/shared/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createDiscoveryServer } from '../../src/render/discovery-server.ts';
import { createRenderBed, type RenderBed } from './bed.ts';
import { writeChart } from './charts.ts';

let bed: RenderBed;
let tenant: KubeClient;
beforeAll(async () => {
  bed = await createRenderBed();
  const { client, namespace } = bed;
  tenant = client.impersonate(serviceAccountIdentity(namespace, 'tenant'));
  const meta = { name: 'tenant', namespace };
  await client.create(coreResources.configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'seen', namespace },
    data: { key: 'of-the-tenant' },
  } as KubeObject);
  await client.request('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`, {
    body: {
      metadata: meta,
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }],
    },
  });
  await client.create(coreResources.roleBindings, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: meta,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace }],
  } as KubeObject);
});
afterAll(() => bed.close());

const chartOf = (name: string, expression: string) =>
  writeChart(bed.dir, name, {
    'templates/x.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {found: ${expression}}\n`,
  });

describe('templates look up', () => {
  test('what the tenant may read', async () => {
    const path = await chartOf(
      'allowed',
      `"{{ (lookup "v1" "ConfigMap" .Release.Namespace "seen").data.key }} {{ empty (lookup "v1" "ConfigMap" .Release.Namespace "other") }}"`,
    );
    expect((await bed.install(path, { client: tenant })).manifest).toContain('of-the-tenant true');
  });

  test.each([
    { name: 'of another kind', call: 'lookup "v1" "Secret" .Release.Namespace "other"' },
    { name: 'of another namespace', call: 'lookup "v1" "ConfigMap" "kube-system" ""' },
  ])('nothing $name', async ({ name, call }) => {
    const path = await chartOf(name.replaceAll(' ', '-'), `{{ ${call} | toJson }}`);
    await expect(bed.install(path, { client: tenant })).rejects.toMatchObject({
      kind: 'template',
      message: expect.stringMatching(/templates\/x.yaml:4.*forbidden.*system:serviceaccount:/),
    });
  });

  test('names in the DNS only when that is allowed', async () => {
    const path = await chartOf('dns', `"<{{ getHostByName "localhost" }}>"`);
    expect((await bed.install(path)).manifest).toContain('found: "<>"');
    expect((await bed.install(path, { enableDns: true })).manifest).toMatch(/"<[0-9a-f.:]+>"/);
  });
});

const crds: ApiResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

test('a new kind is seen once what is known was forgotten', async () => {
  const group = `${bed.namespace}.example`;
  const path = await chartOf('kinds', `"{{ .Capabilities.APIVersions.Has "${group}/v1/Gear" }}"`);
  expect((await bed.install(path)).manifest).toContain('found: "false"');
  const name = `gears.${group}`;
  await bed.client.create(crds, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Gear', plural: 'gears', singular: 'gear' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  } as KubeObject);
  try {
    await until(bed.client, crds, { name }, (crd) =>
      JSON.stringify(crd).includes('"type":"Established"'),
    );
    await expect
      .poll(async () => {
        bed.renderer.invalidate();
        return (await bed.install(path)).manifest;
      })
      .toContain('found: "true"');
  } finally {
    await bed.client.delete(crds, { name });
  }
});

describe('the server for helm', () => {
  test('answers reads of its own run alone, and ends with it', async () => {
    const server = createDiscoveryServer();
    onTestFinished(() => server.close());
    const session = await server.open(bed.client);
    const status = async (url: string, method = 'GET') => (await fetch(url, { method })).status;
    const { origin } = new URL(session.url);
    expect(await status(`${session.url}/version`)).toBe(200);
    expect(await status(`${session.url}/api/v1/namespaces/default`)).toBe(200);
    expect(await status(`${session.url}/api/v1/namespaces/nowhere`)).toBe(404);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect(await status(`${session.url}/api/v1/namespaces/default`, method)).toBe(403);
    expect(await status(`${origin}/version`)).toBe(403);
    expect(await status(`${origin}/${'0'.repeat(48)}/version`)).toBe(403);
    session.close();
    expect(await status(`${session.url}/version`)).toBe(403);
  });
});
