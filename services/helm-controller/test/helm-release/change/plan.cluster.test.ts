import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, startBed } from '../harness.ts';
import { isApplied } from '../is-applied.ts';
import { planOf, say, untilHeld } from './changes.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const at = 'reconcile.fluxcd.io/requestedAt';
const sourceOf = (name: string) => ({ chartRef: { kind: 'ExternalArtifact' as const, name } });
const approve = { changePolicy: { mode: 'Approve' as const } };

/** Some objects in one template. */
const many = (count: number) => `{{ range until ${count} }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $.Release.Name }}-{{ . }}
{{ end }}
`;
const secret = `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-secret
stringData:
  password: {{ .Values.text }}
`;
const random = `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-random
stringData:
  password: {{ randAlphaNum 20 }}
  made: {{ now | unixEpoch | quote }}
  version: {{ .Chart.Version }}
`;
const hook = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: { helm.sh/hook: 'pre-upgrade,post-delete' }
data:
  version: {{ .Chart.Version }}
`;
const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: planned.test.sluice.dev
spec:
  group: test.sluice.dev
  names: { kind: Planned, plural: planned, singular: planned }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object } }
`;

test('values of Secrets are no part of a plan', async () => {
  await bed.publish(chart('1.0.0', { 'templates/secret.yaml': secret }), '1.0.0', 'secret');
  await bed.apply({ ...sourceOf('secret'), values: { text: 'old-password' } }, 'secret');
  await bed.ready('1.0.0', 'secret');
  await bed.patch({ ...approve, values: { text: 'new-password' } }, 'secret');
  await untilHeld(bed, { reason: 'Approval', name: 'secret' });
  const plan = await planOf(bed, 'secret');
  const planned = plan?.spec.objects.find(({ kind }) => kind === 'Secret');
  expect(planned).toMatchObject({ action: 'Change', name: 'secret-secret' });
  expect(planned?.changes).toHaveLength(1);
  const text = JSON.stringify(planned);
  for (const value of ['old-password', 'new-password'])
    for (const shown of [value, Buffer.from(value).toString('base64')])
      expect(text).not.toContain(shown);
});

test('hooks, CRDs of the chart and the end of a former release are part of the plan', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'whole');
  await bed.apply({ ...sourceOf('whole'), upgrade: { crds: 'CreateReplace' } }, 'whole');
  await bed.ready('1.0.0', 'whole');
  await bed.patch(approve, 'whole');
  const files = { 'templates/hook.yaml': hook, 'crds/crd.yaml': crd };
  await bed.publish(chart('2.0.0', files), '2.0.0', 'whole');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'whole' });
  const { digest } = held.status?.plan ?? {};
  expect((await planOf(bed, 'whole'))?.spec.objects).toMatchObject([
    { action: 'Change', kind: 'ConfigMap', name: 'whole' },
    { action: 'Create', kind: 'CustomResourceDefinition', name: 'planned.test.sluice.dev' },
    { action: 'Hook', kind: 'ConfigMap', name: 'whole-hook', note: 'pre-upgrade' },
  ]);
  await bed.patch({ releaseName: 'renamed' }, 'whole');
  const renamed = await untilHeld(bed, { reason: 'Approval', name: 'whole', not: digest });
  const objects = (await planOf(bed, 'whole'))?.spec.objects;
  expect(objects).toContainEqual(expect.objectContaining({ action: 'Delete', name: 'whole' }));
  expect(objects).toContainEqual(expect.objectContaining({ action: 'Create', name: 'renamed' }));
  expect(await isApplied(bed, 'whole')).toBe(true);
  expect(await isApplied(bed, 'renamed')).toBe(false);
  await say(bed, 'whole', { digest: renamed.status?.plan?.digest });
  await bed.ready('2.0.0', 'whole');
  expect(await isApplied(bed, 'whole')).toBe(false);
  expect(await isApplied(bed, 'renamed')).toBe(true);
});

test('the plan of a chart with random values and times stays the same, also after a restart', async () => {
  const files = { 'templates/random.yaml': random };
  await bed.publish(chart('1.0.0', files), '1.0.0', 'random');
  await bed.apply(sourceOf('random'), 'random');
  await bed.ready('1.0.0', 'random');
  await bed.patch(approve, 'random');
  await bed.publish(chart('2.0.0', files), '2.0.0', 'random');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'random' });
  const { digest } = held.status?.plan ?? {};
  const planned = (await planOf(bed, 'random'))?.spec.objects.find(({ kind }) => kind === 'Secret');
  expect(planned?.note).toMatch(/another way each time/);
  await bed.restart();
  await bed.annotate({ [at]: 'again' }, 'random');
  const again = await bed.when((o) => o.status?.lastHandledReconcileAt === 'again', 'random');
  expect(again.status?.plan?.digest).toBe(digest);
  await say(bed, 'random', { digest });
  await bed.ready('2.0.0', 'random');
});

test('a chart of a thousand objects is planned and approved as a whole', async () => {
  await bed.publish(chart('1.0.0', { 'templates/many.yaml': many(1000) }), '1.0.0', 'many');
  await bed.apply({ ...sourceOf('many'), ...approve }, 'many');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'many' });
  expect(held.status?.plan).toMatchObject({ create: 1001 });
  expect(conditionOf(held)?.reason).toBe('Held');
  const plan = await planOf(bed, 'many');
  expect((plan?.spec.objects.length ?? 0) + (plan?.spec.omitted ?? 0)).toBe(1001);
  await say(bed, 'many', { digest: held.status?.plan?.digest });
  await bed.ready('1.0.0', 'many');
  expect(await isApplied(bed, 'many-999')).toBe(true);
}, 180_000);
