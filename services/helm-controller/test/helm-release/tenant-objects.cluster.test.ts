import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { tenantAccount, testNamespace, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, helmReleases, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const prefix = 'helm.toolkit.fluxcd.io';
const canary = 'canary-that-no-tenant-may-read';
const byHand = { type: 'merge', fieldManager: 'somebody' } as const;

let bed: Bed;
/** Where the tenant may read nothing. */
let theirs: string;

const refOf = (name: string) => ({ kind: 'ExternalArtifact' as const, name });
const inventoryOf = (object: HelmRelease) =>
  (object.status?.inventory?.entries ?? []).map(({ id }) => id);

beforeAll(async () => {
  bed = await startBed();
  theirs = await testNamespace(bed.client, 'theirs');
  await tenantAccount(bed.client, { namespace: bed.namespace, name: 'tenant' });
  await bed.publish(chart(), '1.0.0', 'platform');
  await bed.apply(
    {
      chartRef: refOf('platform'),
      targetNamespace: theirs,
      releaseName: 'settings',
      values: { text: canary },
      driftDetection: { mode: 'enabled' },
    },
    'platform',
  );
  await bed.ready('1.0.0', 'platform');
});
afterAll(() => bed.stop());

function naming(annotations: Record<string, string>): string {
  const metadata = { name: 'settings', namespace: theirs, annotations };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
}

/** Edits the platform's object, and waits until that was undone. */
async function expectHealed(): Promise<void> {
  const key = { namespace: theirs, name: 'settings' };
  await bed.client.patch(configMaps, key, { data: { text: 'edited' } }, byHand);
  await until<ConfigMap>(bed.client, configMaps, key, (o) => o.data?.['text'] === canary);
}

const policies: { name: string; annotations: Record<string, string> }[] = [
  { name: 'disabled', annotations: { [`${prefix}/reconcile`]: 'disabled' } },
  { name: 'ignored', annotations: { [`${prefix}/ssa`]: 'Ignore' } },
  { name: 'if-not-present', annotations: { [`${prefix}/ssa`]: 'IfNotPresent' } },
  {
    name: 'hook',
    annotations: { 'helm.sh/hook': 'post-install', [`${prefix}/reconcile`]: 'disabled' },
  },
  {
    name: 'hook-if-not-present',
    annotations: {
      'helm.sh/hook': 'post-install',
      'helm.sh/hook-delete-policy': 'hook-failed',
      [`${prefix}/ssa`]: 'IfNotPresent',
    },
  },
];

/** Expressions that would tell a value, or one bit of it. */
const expressions = [
  "data[data.text] == ''",
  `data.text == '${canary}'`,
  "data.text == 'something else'",
  'int(data.text) > 0',
];

async function attack(source: string, name: string, current: string): Promise<string> {
  await bed.apply(
    {
      chartRef: refOf(source),
      serviceAccountName: 'tenant',
      releaseName: name,
      timeout: '5s',
      driftDetection: { mode: 'enabled' },
      healthCheckExprs: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          current: `metadata.name == 'settings' ? ${current} : true`,
        },
      ],
    },
    name,
  );
  const object = await bed.when((o) => {
    const ready = conditionOf(o);
    return ['True', 'False'].includes(ready?.status ?? '') && ready?.reason !== 'SourceNotReady';
  }, name);
  expect(inventoryOf(object)).not.toContain(`${theirs}_settings__ConfigMap`);
  const { reason, message } = conditionOf(object) ?? {};
  return `${reason} ${message}`.replaceAll(/after [\d.]+m?s/g, '').replaceAll(name, source);
}

test.for(policies)(
  "naming another's object tells nothing of it and takes nothing away: $name",
  { timeout: 120_000 },
  async ({ name, annotations }) => {
    await bed.publish(
      chart('1.0.0', { 'templates/named.yaml': naming(annotations) }),
      '1.0.0',
      name,
    );
    const results = new Set<string>();
    for (const [index, current] of expressions.entries()) {
      const key = `${name}-${index}`;
      results.add(await attack(name, key, current));
      // What the account may not even look at keeps a release from being uninstalled, as with helm.
      if (name === 'if-not-present') await bed.patch({ suspend: true }, key);
      await bed.remove(key);
    }
    expect([...results]).toHaveLength(1);
    await expectHealed();
    const { items } = await bed.client.list<HelmRelease>(helmReleases, {
      namespace: bed.namespace,
    });
    const others = items.filter(({ metadata }) => metadata.name !== 'platform');
    expect(JSON.stringify([bed.events, others])).not.toContain(canary);
  },
);

/** Makes the platform's object name another owner, and waits until it names the platform again. */
async function expectReclaimed(name: string): Promise<void> {
  const key = { namespace: theirs, name: 'settings' };
  const labels = { [`${prefix}/name`]: name, [`${prefix}/namespace`]: bed.namespace };
  await bed.client.patch(configMaps, key, { metadata: { labels } }, byHand);
  await until(
    bed.client,
    configMaps,
    key,
    (o) => o.metadata.labels?.[`${prefix}/name`] === 'platform',
  );
}

test('an object that was made to name another owner is brought back, also after a restart', async () => {
  await bed.publish(chart(), '1.0.0', 'relabel');
  await bed.apply({ chartRef: refOf('relabel'), serviceAccountName: 'tenant' }, 'relabel');
  await bed.ready('1.0.0', 'relabel');
  await expectReclaimed('relabel');
  await bed.restart();
  await expectReclaimed('relabel');
});

test('naming an object that one may not apply gives no claim to it', async () => {
  await bed.publish(chart('1.0.0', { 'templates/named.yaml': naming({}) }), '1.0.0', 'refused');
  await bed.apply({ chartRef: refOf('refused'), serviceAccountName: 'tenant' }, 'refused');
  const object = await bed.failed('InstallFailed', 'refused');
  expect(inventoryOf(object)).not.toContain(`${theirs}_settings__ConfigMap`);
  await expectReclaimed('refused');
});

test('an object that moves to another HelmRelease is not taken back while that one still waits', async () => {
  const pod = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'slow' },
    spec: {
      nodeSelector: { no: 'where' },
      containers: [{ name: 'main', image: 'example/web:1' }],
    },
  });
  const spec = { releaseName: 'moving', driftDetection: { mode: 'enabled' as const } };
  await bed.publish(chart(), '1.0.0', 'from');
  await bed.apply({ ...spec, chartRef: refOf('from') }, 'from');
  await bed.ready('1.0.0', 'from');
  await bed.publish(chart('1.0.0', { 'templates/pod.yaml': pod }), '1.0.0', 'to');
  const storageNamespace = theirs;
  await bed.apply(
    { ...spec, chartRef: refOf('to'), storageNamespace, targetNamespace: bed.namespace },
    'to',
  );
  const key = { namespace: bed.namespace, name: 'moving' };
  const label = `${prefix}/name`;
  await until(bed.client, configMaps, key, (o) => o.metadata.labels?.[label] === 'to');
  // Its drift is looked at, and it stays where it has moved to.
  await bed.client.patch(configMaps, key, { data: { text: 'edited' } }, byHand);
  await bed.patch({ interval: '11m' }, 'from');
  await bed.ready('1.0.0', 'from');
  const { metadata } = await bed.client.get(configMaps, key);
  expect(metadata.labels?.[label]).toBe('to');
});
