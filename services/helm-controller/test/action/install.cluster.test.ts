import {
  helmReleaseNameLabel,
  helmReleaseNamespaceLabel,
  type KubeObject,
} from '@sluice/shared/api';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyCrds, type CrdPolicy } from '../../src/action/apply-crds.ts';
import { ActionError } from '../../src/action/context.ts';
import { install } from '../../src/action/install.ts';
import { type Bed, installed, installOptions, startBed } from './bed.ts';
import {
  configMap,
  type Doc,
  deployment,
  rendered,
  service,
  serviceAccount,
  without,
} from './objects.ts';
import { wrapped } from './wrapped-client.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed();
});

afterAll(async () => {
  await bed.stop();
});

function fourObjects(name: string, replicas = 0): Doc[] {
  return [
    serviceAccount(name),
    configMap(name, { a: '1' }),
    service(name),
    deployment(name, replicas),
  ];
}

test('an install makes the objects, waits until they are ready, and is known to the helm CLI', async () => {
  const release = await installed(bed, rendered(bed.namespace, fourObjects('web', 1)));
  expect(release.info).toMatchObject({ status: 'deployed', description: 'Install complete' });
  expect((await bed.find('v1', 'ConfigMap', 'web'))?.metadata).toMatchObject({
    labels: {
      'app.kubernetes.io/managed-by': 'Helm',
      [helmReleaseNameLabel]: 'app',
      [helmReleaseNamespaceLabel]: bed.namespace,
    },
    annotations: {
      'meta.helm.sh/release-name': 'web',
      'meta.helm.sh/release-namespace': bed.namespace,
    },
  });
  const web = await bed.find('apps/v1', 'Deployment', 'web');
  expect(web).toHaveProperty('status.readyReplicas', 1);
  const history = JSON.parse(await bed.helm('history', 'web', '--output', 'json'));
  expect(history).toEqual([
    expect.objectContaining({ revision: 1, status: 'deployed', description: 'Install complete' }),
  ]);
  expect(await bed.helm('status', 'web')).toContain('STATUS: deployed');
});

test('an install of four objects costs one request for each, and two for the record', async () => {
  await installed(bed, rendered(bed.namespace, fourObjects('first'), { name: 'first' }));
  bed.requests();
  await installed(bed, rendered(bed.namespace, fourObjects('second'), { name: 'second' }));
  const [apply, store, settle] = ['PATCH 201', 'POST 201', 'PUT 200'];
  expect(bed.requests().sort()).toEqual([apply, apply, apply, apply, store, settle]);
});

test('objects are applied kind after kind in the order of the manifest, those of a kind at once', async () => {
  const calls: string[] = [];
  const client = wrapped(bed.client, {
    before: (call) => calls.push(call),
    after: (call) => calls.push(`${call} done`),
  });
  const objects = [configMap('a'), configMap('b'), service('c'), configMap('d')];
  const release = rendered(bed.namespace, objects, { name: 'order' });
  await installed({ ...bed, ctx: { ...bed.ctx, client } }, release);
  const applied = calls.filter((call) => call.startsWith('apply'));
  expect(applied.slice(0, 2).sort()).toEqual(['apply ConfigMap/a', 'apply ConfigMap/b']);
  expect(applied.slice(2, 4).sort()).toEqual(['apply ConfigMap/a done', 'apply ConfigMap/b done']);
  expect(applied.slice(4)).toEqual([
    'apply Service/c',
    'apply Service/c done',
    'apply ConfigMap/d',
    'apply ConfigMap/d done',
  ]);
});

test('a client-side install owns the fields of its objects by updates', async () => {
  const release = rendered(bed.namespace, [configMap('csa', { a: '1' })], {
    name: 'csa',
    apply_method: 'csa',
  });
  await installed(bed, release);
  const found = await bed.find<KubeObject>('v1', 'ConfigMap', 'csa');
  const managers = found?.metadata.managedFields?.map((entry) => [entry.manager, entry.operation]);
  expect(managers).toEqual([['helm-controller', 'Update']]);
});

describe('ownership', () => {
  const others = { metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } } };

  test('objects of others are refused before anything is stored, each with the reason', async () => {
    const object = { ...configMap('foreign', { a: 'theirs' }), ...others };
    await bed.create({ ...object, metadata: { ...others.metadata, name: 'foreign' } });
    const release = rendered(bed.namespace, [configMap('foreign'), configMap('mine')], {
      name: 'refused',
    });
    const error = await installed(bed, release, { takeOwnership: false }).catch((e) => e);
    expect(error).toBeInstanceOf(ActionError);
    expect(error).toMatchObject({ stored: false });
    expect(error.message).toBe(
      `unable to continue with install: ConfigMap/${bed.namespace}/foreign exists and cannot be imported into the current release: ` +
        "annotation meta.helm.sh/release-name must be 'refused' and is missing; " +
        `annotation meta.helm.sh/release-namespace must be '${bed.namespace}' and is missing`,
    );
    expect(await bed.find('v1', 'ConfigMap', 'mine')).toBeUndefined();
    expect(await bed.ctx.storage.last('refused')).toBeUndefined();
  });

  test('objects of others are taken over when that is wanted', async () => {
    await bed.create(configMap('adopted', { a: 'theirs', b: 'theirs' }));
    const objects = [configMap('adopted', { a: 'ours' })];
    await installed(bed, rendered(bed.namespace, objects, { name: 'adopts' }));
    const found = await bed.find('v1', 'ConfigMap', 'adopted');
    expect(found).toMatchObject({
      metadata: { annotations: { 'meta.helm.sh/release-name': 'adopts' } },
      data: { a: 'ours', b: 'theirs' },
    });
  });
});

describe('the namespace', () => {
  test('is made when that is wanted, and may exist', async () => {
    const namespace = `${bed.namespace}-made`;
    for (const name of ['one', 'two']) {
      const release = rendered(namespace, [configMap(name)], { name });
      await installed(bed, release, { createNamespace: true });
    }
    const made = await bed.client.get(coreResources.namespaces, { name: namespace });
    expect(made.metadata.labels).toMatchObject({ name: namespace });
    await bed.client.delete(coreResources.namespaces, { name: namespace });
  });

  test('fails the install when it does not exist', async () => {
    const release = rendered(`${bed.namespace}-none`, [configMap('a')], { name: 'nowhere' });
    const error = await installed(bed, release).catch((e) => e);
    expect(error.message).toContain(`namespaces "${bed.namespace}-none" not found`);
    expect(error).toMatchObject({ stored: true, release: { info: { status: 'failed' } } });
  });
});

describe('the name', () => {
  test('must be free', async () => {
    const last = await installed(bed, rendered(bed.namespace, [], { name: 'taken' }));
    const release = rendered(bed.namespace, [], { name: 'taken' });
    const request = { release, last, options: { ...installOptions, replace: true } };
    await expect(install(bed.ctx, request)).rejects.toThrow(
      "cannot reuse a name that is still in use: 'taken' has revision 1, which is deployed",
    );
  });

  test('of an uninstalled release can be used again', async () => {
    const old = await installed(bed, rendered(bed.namespace, [], { name: 'reused' }));
    const last = { ...old, info: { ...old.info, status: 'uninstalled' as const } };
    await bed.ctx.storage.update(last);
    const release = rendered(bed.namespace, [configMap('reused')], { name: 'reused' });
    const request = { release, last, options: { ...installOptions, replace: true } };
    expect(await install(bed.ctx, request)).toMatchObject({ version: 2 });
    const history = await bed.ctx.storage.history('reused');
    expect(history.map(({ version, info }) => [version, info.status, info.description])).toEqual([
      [1, 'superseded', 'superseded by new release'],
      [2, 'deployed', 'Install complete'],
    ]);
  });
});

describe('a failure', () => {
  test('of a kind that is not served stores nothing and names the objects', async () => {
    const things = ['x', 'y'].map((name) => ({
      apiVersion: 'example.com/v1',
      kind: 'Thing',
      metadata: { name },
    }));
    const release = rendered(bed.namespace, things, { name: 'unknown' });
    const error = await installed(bed, release).catch((e) => e);
    expect(error.message).toContain(
      'Thing/x, Thing/y: the cluster serves no kind Thing in example.com/v1: install its CRD',
    );
    const missing = { group: 'example.com', version: 'v1', kind: 'Thing' };
    expect(error).toMatchObject({ stored: false, missing: [missing, missing] });
    expect(await bed.ctx.storage.last('unknown')).toBeUndefined();
  });

  test('of one object does not keep the others from being applied, and is recorded', async () => {
    const bad = without(deployment('bad'), 'spec.selector');
    const release = rendered(bed.namespace, [bad, configMap('good')], { name: 'partly' });
    const error = await installed(bed, release).catch((e) => e);
    expect(error).toMatchObject({ stored: true, release: { info: { status: 'failed' } } });
    expect(error.message).toContain(`Deployment/${bed.namespace}/bad apply failed`);
    expect(await bed.find('v1', 'ConfigMap', 'good')).toBeDefined();
    const stored = await bed.ctx.storage.last('partly');
    expect(stored?.info.description).toMatch(/^Release "partly" failed: Deployment\//);
    expect(await bed.helm('status', 'partly')).toContain('STATUS: failed');
  });

  test('does not show the values that the masker knows', async () => {
    bed.ctx.masker.add('s3cret-value');
    const bad = { ...deployment('leaky'), spec: { 's3cret-value': true } };
    const error = await installed(bed, rendered(bed.namespace, [bad], { name: 'leaky' })).catch(
      (e) => e,
    );
    const stored = await bed.ctx.storage.last('leaky');
    expect(error.message).toContain('*****');
    expect(`${error.message}${stored?.info.description}`).not.toContain('s3cret-value');
  });
});

test('an abort leaves the release pending and throws its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('killed');
  const ctx = { ...bed.ctx, signal: controller.signal, onApplied: () => controller.abort(reason) };
  const release = rendered(bed.namespace, [deployment('slow', 1, 'pending')], { name: 'aborted' });
  const request = { release, last: undefined, options: installOptions };
  await expect(install(ctx, request)).rejects.toBe(reason);
  const stored = await bed.ctx.storage.last('aborted');
  expect(stored?.info).toMatchObject({
    status: 'pending-install',
    description: 'Initial install underway',
  });
});

describe('CRDs', () => {
  const group = 'actions.test.sluice.dev';
  function crd(plural: string, field: string): Doc {
    const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1);
    const schema = {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', properties: { [field]: { type: 'string' } } } },
      },
    };
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind, plural, singular: plural.slice(0, -1), listKind: `${kind}List` },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    };
  }
  const find = (name: string) =>
    bed.client
      .get<KubeObject>(coreResources.customResourceDefinitions, { name: `${name}.${group}` })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
  const apply = (crds: Doc[], policy: CrdPolicy) =>
    applyCrds(bed.ctx, crds as KubeObject[], policy);

  test('are skipped, created and replaced as the policy says', async () => {
    expect(await apply([crd('gizmos', 'old')], 'Skip')).toBe(false);
    expect(await find('gizmos')).toBeUndefined();
    expect(await apply([crd('gizmos', 'old')], 'Create')).toBe(true);
    const path = 'spec.versions.0.schema.openAPIV3Schema.properties.spec.properties';
    expect(await find('gizmos')).toHaveProperty(path, { old: { type: 'string' } });
    expect(await apply([crd('gizmos', 'new')], 'Create')).toBe(false);
    expect(await find('gizmos')).toHaveProperty(path, { old: { type: 'string' } });
    expect(await apply([crd('gizmos', 'new')], 'CreateReplace')).toBe(true);
    expect(await find('gizmos')).toHaveProperty(path, { new: { type: 'string' } });
    expect((await find('gizmos'))?.metadata.labels).toMatchObject({
      [helmReleaseNameLabel]: 'app',
    });
  });

  test('are served before the objects of their kinds are applied', async () => {
    const gadget = { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'one' } };
    const release = rendered(bed.namespace, [{ ...gadget, spec: { size: '1' } }], {
      name: 'gadget',
    });
    await apply([crd('gadgets', 'size')], 'Create');
    await install(bed.ctx, { release, last: undefined, options: installOptions });
    expect(await bed.find(`${group}/v1`, 'Gadget', 'one')).toMatchObject({ spec: { size: '1' } });
  });

  test('that cannot be applied are an error of the release', async () => {
    const broken = without(crd('broken', 'a'), 'spec.names.plural');
    const error = await apply([broken], 'Create').catch((e) => e);
    expect(error.message).toMatch(/^failed to apply CustomResourceDefinitions: /);
    expect(error).toMatchObject({ stored: false });
  });

  test('objects of other kinds beside them are left out', async () => {
    const stray = configMap('stray', {}, { namespace: bed.namespace });
    await apply([stray, crd('widgets', 'a')], 'Create');
    expect(await find('widgets')).toBeDefined();
    expect(await bed.find('v1', 'ConfigMap', 'stray')).toBeUndefined();
  });
});
