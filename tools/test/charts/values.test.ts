import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { chartNames } from '../../charts/package.ts';
import { readServiceFlagSpecs } from '../../generate/flags.ts';
import { singleCharts } from './matrix.ts';
import { argsOf, find, helm, names, packages, render } from './render.ts';

const root = join(import.meta.dirname, '../../..');

interface Schema {
  description?: string;
  type?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
}

interface SchemaFile extends Schema {
  definitions?: Record<string, Schema>;
}

/** Puts definitions where a schema refers to them. */
function resolved(schema: Schema & { $ref?: string }, file: SchemaFile): Schema {
  const name = schema.$ref?.replace('#/definitions/', '');
  if (name !== undefined) return resolved(file.definitions?.[name] as Schema, file);
  const children = Object.entries(schema.properties ?? {});
  if (children.length === 0) return schema;
  const properties = children.map(([key, child]) => [key, resolved(child, file)] as const);
  return { ...schema, properties: Object.fromEntries(properties) };
}

async function schemaOf(chart: string): Promise<Schema> {
  const path = join(root, 'charts', chart, 'values.schema.json');
  const file = JSON.parse(await readFile(path, 'utf8')) as SchemaFile;
  return resolved(file, file);
}

const valuesOf = async (chart: string) =>
  load(await readFile(join(root, 'charts', chart, 'values.yaml'), 'utf8')) as Record<
    string,
    unknown
  >;

/** What Helm puts among the values by itself. */
const ofHelm = new Set(['global', 'sluice-common']);

/** Problems of a schema: groups that take anything, values without a meaning or a default. */
function problemsOf(schema: Schema, path: string): string[] {
  const own: string[] = [];
  if (path !== '' && !schema.description) own.push(`${path} has no description`);
  if (schema.properties === undefined) {
    if (path !== '' && schema.default === undefined) own.push(`${path} has no default`);
    return own;
  }
  if (schema.additionalProperties !== false) own.push(`${path} takes values that it does not know`);
  // Flags are described by the service, and have their defaults there.
  if (path.endsWith('.flags')) return own;
  const children = Object.entries(schema.properties).filter(([name]) => !ofHelm.has(name));
  return [...own, ...children.flatMap(([name, child]) => problemsOf(child, `${path}.${name}`))];
}

/** Values in values.yaml that the schema gives another default, or none. */
function differencesOf(values: Record<string, unknown>, schema: Schema, path = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const child = schema.properties?.[name];
    if (child === undefined) return [`${path}.${name} is not in the schema`];
    if (child.properties && child.default === undefined)
      return ofHelm.has(name)
        ? []
        : differencesOf(value as Record<string, unknown>, child, `${path}.${name}`);
    const isEqual = JSON.stringify(value) === JSON.stringify(child.default);
    return isEqual || ofHelm.has(name) ? [] : [`${path}.${name} has another default in the schema`];
  });
}

describe.each(chartNames)('the chart %s', (chart) => {
  test('describes every value, gives it a default, and takes no others', async () => {
    expect(problemsOf(await schemaOf(chart), '')).toEqual([]);
  });

  test('has the same defaults in values.yaml and in its schema', async () => {
    expect(differencesOf(await valuesOf(chart), await schemaOf(chart))).toEqual([]);
  });

  test('passes helm lint', async () => {
    const path = (await packages())[chart];
    expect(await helm(['lint', '--strict', path])).toContain('0 chart(s) failed');
  });
});

describe('flags', () => {
  test('of each service can be set by values or are set by the chart', async () => {
    const specs = await readServiceFlagSpecs();
    for (const chart of singleCharts) {
      const flags = specs.get(chart) ?? {};
      const settable = Object.keys((await schemaOf(chart)).properties?.['flags']?.properties ?? {});
      expect(settable.filter((name) => !Object.hasOwn(flags, name))).toEqual([]);
      const args = argsOf(find(await render(chart), 'Deployment', chart));
      const given = args.map((arg) => arg.replace(/^--([\w-]+)=.*$/, '$1'));
      expect(given.filter((name) => !Object.hasOwn(flags, name))).toEqual([]);
      expect(given.filter((name) => settable.includes(name))).toEqual([]);
    }
  });

  test('for the time to shut down leave the pod time to do so', async () => {
    const specs = await readServiceFlagSpecs();
    for (const chart of singleCharts) {
      const graceful = Number(specs.get(chart)?.['graceful-shutdown-timeout']?.default ?? 15_000);
      const { spec } = find(await render(chart), 'Deployment', chart)['spec'].template;
      expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(graceful + 10_000);
    }
  });
});

/** Values of the flux2 community chart that mean the same here, each set to something. */
const flux2Controller = {
  create: true,
  image: 'registry.example.com/x',
  tag: 'v1.2.3',
  resources: { limits: {}, requests: { cpu: '100m', memory: '64Mi' } },
  priorityClassName: 'system-cluster-critical',
  annotations: { 'prometheus.io/port': '8080' },
  labels: { team: 'platform' },
  container: { additionalArgs: ['--concurrent=10'] },
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com' }],
  serviceAccount: { create: true, automount: true, annotations: { 'example.com/role': 'x' } },
  imagePullPolicy: 'IfNotPresent',
  nodeSelector: { pool: 'ops' },
  affinity: { nodeAffinity: {} },
  tolerations: [{ operator: 'Exists' }],
  replicas: 1,
  volumes: [{ name: 'x', emptyDir: {} }],
  volumeMounts: [{ name: 'x', mountPath: '/x' }],
};
const flux2Service = { service: { labels: { a: 'b' }, annotations: { c: 'd' } } };
const flux2 = {
  installCRDs: true,
  crds: { annotations: { 'helm.sh/resource-policy': 'keep' } },
  multitenancy: { enabled: true, defaultServiceAccount: 'tenant', privileged: true },
  clusterDomain: 'example.org',
  sourceController: { ...flux2Controller, ...flux2Service },
  kustomizeController: flux2Controller,
  helmController: flux2Controller,
  notificationController: {
    ...flux2Controller,
    ...flux2Service,
    webhookReceiver: {
      ...flux2Service,
      ingress: {
        create: true,
        hosts: [{ host: 'a.example.com', paths: [{ path: '/', pathType: 'Prefix' }] }],
        tls: [],
      },
    },
  },
  imageAutomationController: { create: false },
  imageReflectionController: { create: false },
  sourceWatcher: { create: false },
  policies: { create: true },
  rbac: {
    create: true,
    createAggregation: true,
    annotations: { a: 'b' },
    roleRef: { name: 'platform' },
  },
  logLevel: 'debug',
  watchAllNamespaces: true,
  imagePullSecrets: [{ name: 'registry' }],
  extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'extra' } }],
  prometheus: {
    podMonitor: {
      create: true,
      podMetricsEndpoints: [{ port: 'http-prom' }],
      additionalLabels: { a: 'b' },
    },
  },
};

test('values of the flux2 chart have the same effect', async () => {
  const settings = Object.entries(flux2).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const objects = await render('sluice', settings);
  for (const name of singleCharts) {
    const deployment = find(objects, 'Deployment', name);
    const { metadata, spec } = deployment['spec'].template;
    expect(metadata.labels).toMatchObject({ team: 'platform' });
    expect(metadata.annotations).toMatchObject(flux2Controller.annotations);
    expect(spec).toMatchObject({
      priorityClassName: 'system-cluster-critical',
      nodeSelector: { pool: 'ops' },
      tolerations: [{ operator: 'Exists' }],
      imagePullSecrets: [{ name: 'registry' }],
      containers: [{ image: 'registry.example.com/x:v1.2.3', imagePullPolicy: 'IfNotPresent' }],
    });
    expect(argsOf(deployment)).toEqual(
      expect.arrayContaining(['--log-level=debug', '--concurrent=10']),
    );
    expect(find(objects, 'ServiceAccount', name).metadata.annotations).toEqual({
      'example.com/role': 'x',
    });
  }
  const args = argsOf(find(objects, 'Deployment', 'kustomize-controller'));
  expect(args).toContain('--default-service-account=tenant');
  expect(args).toContain(
    '--events-addr=http://notification-controller.flux-system.svc.example.org.',
  );
  expect(objects.filter(({ roleRef }) => roleRef?.name === 'platform')).toHaveLength(2);
  expect(find(objects, 'Service', 'source-controller').metadata).toMatchObject({
    labels: { a: 'b' },
    annotations: { c: 'd' },
  });
  expect(find(objects, 'ClusterRole', 'flux-edit').metadata.annotations).toEqual({ a: 'b' });
  expect(names(objects, 'PodMonitor')).toEqual([...singleCharts].sort());
  expect(names(objects, 'Ingress')).toEqual(['webhook-receiver']);
  expect(names(objects, 'ConfigMap')).toContain('extra');
});
