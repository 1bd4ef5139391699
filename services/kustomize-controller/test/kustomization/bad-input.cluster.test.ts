import type { KustomizationSpec } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  kustomizations,
  secrets,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--no-remote-bases', '--no-cross-namespace-refs']);
});
afterAll(() => bed.stop());

interface Case {
  name: string;
  files?: Record<string, string>;
  spec?: Partial<KustomizationSpec>;
  reason: string;
  message: RegExp;
  stalled?: boolean;
}

const cases: Case[] = [
  {
    name: 'broken-yaml',
    files: { 'good.yaml': configMap('x'), 'dir/broken.yaml': 'a: b\nc:\n  - d\n e: f\n' },
    reason: 'BuildFailed',
    message: /broken YAML: dir\/broken\.yaml:4: /,
  },
  {
    name: 'missing-path',
    spec: { path: './nope' },
    reason: 'ArtifactFailed',
    message: /spec\.path '\.\/nope'/,
  },
  {
    name: 'path-out',
    spec: { path: '../..' },
    reason: 'BuildFailed',
    message: /spec\.path '\.\.\/\.\.' leads out/,
    stalled: true,
  },
  {
    name: 'missing-secret',
    spec: { postBuild: { substituteFrom: [{ kind: 'Secret', name: 'nope' }] } },
    reason: 'BuildFailed',
    message: /Secret '.*\/nope' of spec\.postBuild\.substituteFrom\[0\] does not exist: create it/,
  },
  {
    name: 'invalid-variable',
    spec: { postBuild: { substitute: { 'a-b': 'c' } } },
    reason: 'BuildFailed',
    message: /variable name 'a-b' in spec\.postBuild\.substitute is invalid/,
  },
  {
    name: 'invalid-substitution',
    files: { 'a.yaml': configMap('x', { k: '${a' }) },
    spec: { postBuild: { substitute: { a: 'b' } } },
    reason: 'BuildFailed',
    message: /substitution failed for ConfigMap 'x' \(a\.yaml:1\): missing closing brace in '\$\{a/,
  },
  {
    name: 'unset-variable',
    files: { 'a.yaml': configMap('x', { k: '${unset}' }) },
    spec: { postBuild: { substitute: { a: 'b' } } },
    reason: 'BuildFailed',
    message: /ConfigMap 'x' \(a\.yaml:1\): variable 'unset' is not set .* or \$\$\{unset\} to keep/,
  },
  {
    name: 'remote-base',
    files: { 'kustomization.yaml': 'resources: [https://example.com/x.yaml]' },
    reason: 'BuildFailed',
    message: /resources\[0\] of kustomization\.yaml is remote, which --no-remote-bases forbids/,
  },
  {
    name: 'escape',
    files: { 'kustomization.yaml': 'configMapGenerator: [{name: x, files: [/etc/passwd]}]' },
    reason: 'BuildFailed',
    message:
      /configMapGenerator\[0\]\.files\[0\] of kustomization\.yaml: path "\/etc\/passwd" is absolute/,
  },
  {
    name: 'missing-source',
    spec: { sourceRef: { kind: 'GitRepository', name: 'nope' } },
    reason: 'ArtifactFailed',
    message: /Source 'GitRepository\/.*\/nope' not found/,
  },
  {
    name: 'foreign-source',
    spec: { sourceRef: { kind: 'GitRepository', name: 'x', namespace: 'kube-system' } },
    reason: 'AccessDenied',
    message: /cross-namespace references have been blocked/,
    stalled: true,
  },
  {
    name: 'encrypted',
    files: {
      's.yaml': '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "sops": {}}',
    },
    reason: 'BuildFailed',
    message: /Secret 's' is encrypted with SOPS/,
  },
  {
    name: 'missing-kubeconfig',
    spec: { kubeConfig: { secretRef: { name: 'nope' } } },
    reason: 'ReconciliationFailed',
    message: /spec\.kubeConfig\.secretRef.*does not exist/,
  },
];

describe('each failure says where and what to do', () => {
  test.each(cases)('$name', async ({ name, files, spec, reason, message, stalled }) => {
    await bed.publish(files ?? { 'a.yaml': configMap('x') }, 'r1', name);
    await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name }, ...spec }, name);
    const object = await bed.failed(reason, name, message);
    expect(conditionOf(object, 'Stalled')?.status).toBe(stalled ? 'True' : undefined);
    expect(conditionOf(object)?.message).not.toMatch(/\/tmp\//);
    const isWaiting = name === 'missing-source';
    const event = await bed.event(
      (e) => e.involvedObject.name === name && e.reason === reason && message.test(e.message),
    );
    expect(event.severity).toBe(isWaiting ? 'info' : 'error');
  });
});

test('an object that is refused leaves the others applied and tracked', async () => {
  const { client, namespace } = bed;
  const bad = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'bad' },
    spec: { ports: [{ port: 99999999 }] },
  });
  await bed.publish({ 'a.yaml': configMap('applied'), 'bad.yaml': bad }, 'r1', 'refused');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'refused' } }, 'refused');
  const object = await bed.failed('ReconciliationFailed', 'refused');
  expect(conditionOf(object)?.message).toMatch(new RegExp(`Service/${namespace}/bad`));
  await client.get(configMaps, { namespace, name: 'applied' });
  expect(object.status?.inventory?.entries.map((entry) => entry.id)).toContain(
    `${namespace}_applied__ConfigMap`,
  );
  expect(object.status?.lastAppliedRevision).toBeUndefined();

  await bed.publish({ 'b.yaml': configMap('other') }, 'r2', 'refused');
  const fixed = await bed.ready('r2', 'refused');
  expect(fixed.status?.inventory?.entries.map((entry) => entry.id)).toEqual([
    `${namespace}_other__ConfigMap`,
  ]);
  await expect(client.get(configMaps, { namespace, name: 'applied' })).rejects.toMatchObject({
    status: 404,
  });
});

test('a directory whose manifests are all gone deletes nothing', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'a.yaml': configMap('kept') }, 'r1', 'emptied');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'emptied' } }, 'emptied');
  await bed.ready('r1', 'emptied');
  await bed.publish({ 'README.md': 'nothing here' }, 'r2', 'emptied');
  const object = await bed.failed('BuildFailed', 'emptied');
  expect(conditionOf(object)?.message).toContain('holds no manifests any more');
  await client.get(configMaps, { namespace, name: 'kept' });
  await bed.publish({ 'kustomization.yaml': 'resources: []' }, 'r3', 'emptied');
  await bed.ready('r3', 'emptied');
  await expect(client.get(configMaps, { namespace, name: 'kept' })).rejects.toMatchObject({
    status: 404,
  });
});

test('no value of a Secret leaks when it ends up where it is refused', async () => {
  const { client, namespace } = bed;
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'vars', namespace },
    stringData: { token: 's3cr3t-canary' },
  } as never);
  const bad = JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x' },
    spec: { replicas: '${token}' },
  });
  await bed.publish({ 'bad.yaml': bad }, 'r1', 'leak');
  await bed.apply(
    {
      sourceRef: { kind: 'ExternalArtifact', name: 'leak' },
      postBuild: { substituteFrom: [{ kind: 'Secret', name: 'vars' }] },
    },
    'leak',
  );
  const object = await bed.failed('ReconciliationFailed', 'leak');
  await bed.event((e) => e.involvedObject.name === 'leak' && e.severity === 'error');
  expect(JSON.stringify(object.status)).not.toContain('canary');
  expect(JSON.stringify(bed.events)).not.toContain('canary');
});

test('a field that is given twice counts as the last, and a warning says where', async () => {
  const kustomization = 'resources: [nothing.yaml]\nnameprefix: last-\nresources: [a.yaml]\n';
  const files = { 'kustomization.yaml': kustomization, 'a.yaml': configMap('twice') };
  await bed.publish(files, 'twice', 'twice');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'twice' } }, 'twice');
  const object = await bed.ready('twice', 'twice');
  expect(object.status?.inventory?.entries.map(({ id }) => id)).toEqual([
    `${bed.namespace}_last-twice__ConfigMap`,
  ]);
  const { message } = await bed.event(({ reason }) => reason === 'BuildWarning');
  expect(message).toContain("'kustomization.yaml' gives resources twice, in lines 1 and 3");
});

test('a build that takes too much is made again only when the source or the spec change', async () => {
  const generator = 'configMapGenerator: [{name: large, files: [large.txt]}]';
  const files = { 'kustomization.yaml': generator, 'large.txt': 'x'.repeat(200 * 2 ** 20) };
  await bed.publish(files, 'v1', 'large');
  const sourceRef = { kind: 'ExternalArtifact', name: 'large' } as const;
  await bed.apply({ sourceRef }, 'large');
  const failed = await bed.failed('BuildFailed', 'large');
  expect(conditionOf(failed)?.message).toContain('more than');

  const key = { namespace: bed.namespace, name: 'large' };
  const annotations = { 'reconcile.fluxcd.io/requestedAt': 'again' };
  await bed.client.patch(kustomizations, key, { metadata: { annotations } }, { type: 'merge' });
  const requested = await bed.when((o) => o.status?.lastHandledReconcileAt === 'again', 'large');
  expect(conditionOf(requested)?.message).toBe(conditionOf(failed)?.message);
  expect(await bed.metrics()).toContain('builds_total{result="refused"}');

  await bed.publish({ 'a.yaml': configMap('small') }, 'v2', 'large');
  await bed.ready('v2', 'large');
});

test('labels that are no text are left out, an object in two versions counts as the last: warnings say so', async () => {
  const scaler = (version: string, spec: string) =>
    `apiVersion: autoscaling/${version}\nkind: HorizontalPodAutoscaler\nmetadata: {name: odd}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: odd}, ${spec}}\n`;
  const files = {
    'a.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, labels: {team: x, version: 1.1}}\n',
    'b.yaml': scaler('v1', 'maxReplicas: 2'),
    'c.yaml': scaler('v2', 'maxReplicas: 3'),
  };
  await bed.publish(files, 'odd', 'odd');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'odd' } }, 'odd');
  const object = await bed.ready('odd', 'odd');
  const key = { namespace: bed.namespace, name: 'odd' };
  expect(object.status?.inventory?.entries).toEqual([
    { id: `${key.namespace}_odd__ConfigMap`, v: 'v1' },
    { id: `${key.namespace}_odd_autoscaling_HorizontalPodAutoscaler`, v: 'v2' },
  ]);
  const { metadata } = await bed.client.get(configMaps, key);
  expect(metadata.labels).toEqual({
    'kustomize.toolkit.fluxcd.io/name': 'odd',
    'kustomize.toolkit.fluxcd.io/namespace': key.namespace,
  });
  const { message } = await bed.event(
    ({ reason, involvedObject }) => reason === 'BuildWarning' && involvedObject.name === 'odd',
  );
  expect(message).toContain(
    `HorizontalPodAutoscaler/${key.namespace}/odd is defined more than once`,
  );
  expect(message).toContain(`ConfigMap/${key.namespace}/odd: metadata.labels are left out`);
});
