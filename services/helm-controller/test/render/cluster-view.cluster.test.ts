import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  ConnectionError,
  coreResources,
  type KubeClient,
  serviceAccountIdentity,
} from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

const withRequest = (request: KubeClient['request']) =>
  new Proxy(bed.client, {
    get: (target, key) => (key === 'request' ? request : Reflect.get(target, key)),
  });

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

  test.each([
    { name: 'a version that is not served', call: '"gone.example/v1" "Gear" "" "x"' },
    { name: 'no version', call: '"" "ConfigMap" "" "x"' },
    { name: 'a version that leads elsewhere', call: '"apps/.." "ConfigMap" "" "x"' },
    { name: 'more than a version', call: '"apps/v1/namespaces" "ConfigMap" "" "x"' },
    { name: 'a name that leads elsewhere', call: '"v1" "ConfigMap" "default" ".."' },
    { name: 'a name with more parts', call: '"v1" "ConfigMap" "default" "x/../../secrets"' },
    { name: 'a namespace with more parts', call: '"v1" "ConfigMap" "a/secrets" "x"' },
    { name: 'a name that is encoded', call: '"v1" "ConfigMap" "default" "x%2f"' },
  ])('$name fails', async ({ name, call }) => {
    const path = await chartOf(name.replaceAll(' ', '-'), `{{ lookup ${call} | toJson }}`);
    await expect(bed.install(path)).rejects.toMatchObject({
      kind: 'template',
      message: expect.stringMatching(/error calling lookup: (cannot look up|invalid )/),
    });
  });

  test.each([
    { name: 'a kind that its version lacks', call: '"v1" "Gear" "default" "x"' },
    { name: 'an object in no namespace', call: '"v1" "ConfigMap" "" "kube-root-ca.crt"' },
    { name: 'a part of an object', call: '"v1" "Binding" "default" "x"' },
    { name: 'a namespace that is not there', call: '"v1" "ConfigMap" "nowhere" "x"' },
  ])('$name is nothing', async ({ name, call }) => {
    const path = await chartOf(name.replaceAll(' ', '-'), `"{{ empty (lookup ${call}) }}"`);
    expect((await bed.install(path)).manifest).toContain('found: "true"');
  });

  test('objects of the cluster whatever the namespace', async () => {
    const call = 'lookup "v1" "Namespace" "nowhere" "default"';
    const path = await chartOf('wide', `"{{ (${call}).metadata.name }}"`);
    expect((await bed.install(path)).manifest).toContain('found: "default"');
  });

  test('no more than a thousand times', async () => {
    const call = 'lookup "v1" "Gear" "default" "x"';
    const path = await chartOf('often', `"{{ range until 1001 }}{{ ${call} }}{{ end }}"`);
    await expect(bed.install(path)).rejects.toMatchObject({
      kind: 'template',
      message: expect.stringContaining('look up more than 1000 times'),
    });
  });

  test('no more than 16 MiB', async () => {
    const key = { name: 'large', namespace: bed.namespace };
    const data = { text: 'x'.repeat(900_000) };
    await bed.client.create(coreResources.configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: key,
      data,
    } as KubeObject);
    const call = 'lookup "v1" "ConfigMap" $.Release.Namespace "large"';
    const path = await chartOf('much', `"{{ range until 20 }}{{ $_ := ${call} }}{{ end }}"`);
    await expect(bed.install(path)).rejects.toMatchObject({
      kind: 'template',
      message: expect.stringContaining('look up more than 16777216 bytes'),
    });
    await bed.client.delete(coreResources.configMaps, key);
  });

  test('a kind that was established a moment ago, which the API server may not list yet', async () => {
    const request: KubeClient['request'] = (method, path, o) =>
      bed.client.request(method, path === '/api/v1' ? '/apis/unlisted.example/v1' : path, o);
    const client = withRequest(request);
    const path = await chartOf(
      'unlisted',
      `"{{ (lookup "v1" "Namespace" "" "default").metadata.name }}"`,
    );
    expect((await bed.install(path, { client })).manifest).toContain('found: "default"');
  });

  test('and a lost API server is not the fault of the chart', async () => {
    const lost = new ConnectionError({ code: 'TIMEOUT', verb: 'GET', path: '/', message: 'lost' });
    const request: KubeClient['request'] = (method, path, o) =>
      path === '/api/v1' ? Promise.reject(lost) : bed.client.request(method, path, o);
    const client = withRequest(request);
    const path = await chartOf('lost', '{{ lookup "v1" "ConfigMap" "default" "x" | toJson }}');
    await expect(bed.install(path, { client })).rejects.toBe(lost);
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
