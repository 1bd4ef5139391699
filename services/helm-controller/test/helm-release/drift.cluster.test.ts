import { type KubeObject, reconcileRequestAnnotation } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  chart,
  conditionOf,
  configMaps,
  deployments,
  secrets,
  startBed,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };
type Deployment = KubeObject & { spec: { replicas: number } };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart('1.0.0', { 'templates/more.yaml': more }));
});
afterAll(() => bed.stop());

/** A Deployment, into which the API server writes defaults, and a Secret. */
const more = `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: chart-canary
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  annotations:
    {{- toYaml .Values.annotations | nindent 4 }}
spec:
  replicas: 0
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      containers:
        - name: app
          image: registry.invalid/app
          resources: { limits: { cpu: 1000m, memory: 1024Mi } }
`;

const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const edit = (name: string, text: string) =>
  bed.client.patch<ConfigMap>(configMaps, keyOf(name), { data: { text } }, byHand);
const textIs = (name: string, text: string) =>
  until<ConfigMap>(bed.client, configMaps, keyOf(name), (o) => o.data?.['text'] === text);
const eventsOf = (name: string, reason: string) =>
  bed.events.filter((one) => one.involvedObject.name === name && one.reason === reason);
const drifted = (status: 'True' | 'False', name: string) =>
  bed.when((o) => conditionOf(o, 'Drifted')?.status === status, name);

/** Has a HelmRelease reconciled once more, and waits for the end of it. */
async function reconcile(name: string): Promise<void> {
  const at = `${Date.now()}`;
  await bed.annotate({ [reconcileRequestAnnotation]: at }, name);
  await bed.when((o) => o.status?.lastHandledReconcileAt === at, name);
}

test('what is edited or deleted is brought back at once, and the event names the fields', async () => {
  const { client, namespace } = bed;
  await bed.apply({ driftDetection: { mode: 'enabled' } }, 'heal');
  const before = await bed.ready('1.0.0', 'heal');

  await client.patch(deployments, keyOf('heal'), { spec: { replicas: 3 } }, byHand);
  await until<Deployment>(client, deployments, keyOf('heal'), (o) => o.spec.replicas === 0);
  const event = await bed.event((e) => e.reason === 'DriftCorrected');
  expect(event).toMatchObject({
    severity: 'info',
    message: `Deployment/${namespace}/heal drifted: .spec.replicas changed; corrected`,
    metadata: { 'helm.toolkit.fluxcd.io/revision': '1.0.0' },
  });

  const { metadata } = await client.get(configMaps, keyOf('heal'));
  await client.delete(configMaps, keyOf('heal'));
  await until(client, configMaps, keyOf('heal'), (o) => o.metadata.uid !== metadata.uid);
  await bed.event((e) => e.message === `ConfigMap/${namespace}/heal deleted; created again`);

  await client.patch(secrets, keyOf('heal'), { stringData: { password: 'live-canary' } }, byHand);
  const masked = await bed.event((e) => e.message.startsWith(`Secret/${namespace}/heal`));
  expect(masked.message).toContain('.data.password changed (secret); corrected');

  const object = await drifted('False', 'heal');
  expect(conditionOf(object)?.status).toBe('True');
  expect(object.status?.history).toEqual(before.status?.history);
  expect(JSON.stringify([object, bed.events])).not.toContain('canary');
});

test('warn says so once, leaves the object as it is, and stays Ready, so that dependants go on', async () => {
  const { namespace } = bed;
  await bed.apply({ driftDetection: { mode: 'warn' } }, 'warn');
  await bed.ready('1.0.0', 'warn');
  await edit('warn', 'live');
  const object = await drifted('True', 'warn');
  expect(conditionOf(object, 'Drifted')).toMatchObject({ reason: 'DriftDetected' });
  expect(conditionOf(object, 'Drifted')?.message).toContain(
    `ConfigMap/${namespace}/warn drifted: .data.text changed`,
  );
  expect(conditionOf(object)?.status).toBe('True');
  await bed.apply({ dependsOn: [{ name: 'warn' }] }, 'dependant');
  await bed.ready('1.0.0', 'dependant');

  await reconcile('warn');
  await bed.restart();
  await reconcile('warn');
  expect(eventsOf('warn', 'DriftDetected')).toHaveLength(1);
  expect(conditionOf(await bed.get('warn'), 'Drifted')?.status).toBe('True');
  expect((await textIs('warn', 'live')).metadata.name).toBe('warn');

  await edit('warn', 'default');
  await drifted('False', 'warn');
  await edit('warn', 'again');
  await drifted('True', 'warn');
  await bed.patch({ values: { text: 'released' } }, 'warn');
  await drifted('False', 'warn');
  await textIs('warn', 'released');
});

test('drift that came while it was not looked for is found when it is', async () => {
  await bed.apply({}, 'late');
  await bed.ready('1.0.0', 'late');
  await edit('late', 'live');
  await reconcile('late');
  expect(conditionOf(await bed.get('late'), 'Drifted')).toBeUndefined();
  await bed.patch({ driftDetection: { mode: 'enabled' } }, 'late');
  await textIs('late', 'default');
  await bed.patch({ driftDetection: { mode: 'disabled' } }, 'late');
  await bed.when((o) => o.status?.observedGeneration === 3, 'late');
  expect(conditionOf(await bed.get('late'), 'Drifted')).toBeUndefined();
  await edit('late', 'live');
  await reconcile('late');
  await textIs('late', 'live');
});

test('ignored fields and exempt objects stay as others made them', async () => {
  const { client } = bed;
  const paths = ['/data/text'];
  const ignore = [{ paths, target: { kind: 'ConfigMap' } }];
  const annotations = { 'helm.toolkit.fluxcd.io/driftDetection': 'disabled' };
  await bed.apply(
    { values: { annotations }, driftDetection: { mode: 'enabled', ignore } },
    'ignored',
  );
  await bed.ready('1.0.0', 'ignored');
  await edit('ignored', 'live');
  await client.patch(deployments, keyOf('ignored'), { spec: { replicas: 2 } }, byHand);
  // By hand, an object can be exempted as well.
  await client.patch(secrets, keyOf('ignored'), { metadata: { annotations } }, byHand);
  const password = { stringData: { password: 'live' } };
  await client.patch(secrets, keyOf('ignored'), password, byHand);
  const isLive = async () => {
    expect((await client.get<ConfigMap>(configMaps, keyOf('ignored'))).data?.['text']).toBe('live');
    const { spec } = await client.get<Deployment>(deployments, keyOf('ignored'));
    expect(spec.replicas).toBe(2);
    const secret = await client.get<ConfigMap>(secrets, keyOf('ignored'));
    expect(atob(secret.data?.['password'] ?? '')).toBe('live');
  };
  // What is healed was changed last: everything else has been looked at by then.
  const heal = async () => {
    const version = { data: { version: 'live' } };
    await client.patch(configMaps, keyOf('ignored'), version, byHand);
    await until<ConfigMap>(
      client,
      configMaps,
      keyOf('ignored'),
      (o) => o.data?.['version'] === '1.0.0',
    );
  };
  await heal();
  await isLive();
  await bed.restart();
  await heal();
  await isLive();
  await bed.patch({ driftDetection: { ignore: [] } }, 'ignored');
  await textIs('ignored', 'default');
});

test('defaults and what other managers add is no drift', async () => {
  const { client } = bed;
  await bed.apply({ driftDetection: { mode: 'enabled' } }, 'normal');
  await bed.ready('1.0.0', 'normal');
  const others = { metadata: { annotations: { note: 'x' } }, spec: { paused: true } };
  const operator = { type: 'merge', fieldManager: 'some-operator' } as const;
  await client.patch(deployments, keyOf('normal'), others, operator);
  const restart = { 'kubectl.kubernetes.io/restartedAt': '2030-01-01T00:00:00Z' };
  const template = { metadata: { annotations: restart } };
  const kubectl = { type: 'merge', fieldManager: 'kubectl-rollout' } as const;
  await client.patch(deployments, keyOf('normal'), { spec: { template } }, kubectl);
  await bed.restart();
  await reconcile('normal');
  await edit('normal', 'live');
  await textIs('normal', 'default');
  await bed.event(
    ({ involvedObject: { name }, reason }) => name === 'normal' && reason === 'DriftCorrected',
  );
  expect(eventsOf('normal', 'DriftCorrected').map(({ message }) => message)).toEqual([
    `ConfigMap/${bed.namespace}/normal drifted: .data.text changed; corrected`,
  ]);
  const live = await client.get<KubeObject>(deployments, keyOf('normal'));
  expect(live).toMatchObject({ spec: { paused: true, template } });
});
