import {
  externalArtifactKind,
  type KubeObject,
  type Kustomization,
  kustomizationNameLabel,
  kustomizationNamespaceLabel,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployment,
  deployments,
  kustomizations,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const filesOf = (name: string) => ({
  'web.yaml': deployment(name),
  'settings.yaml': configMap(name, { color: 'blue' }),
});

/** The same in the words of Flux, which sends what Go's types have for fields that nobody has set. */
function inWordsOfFlux(text: string, owner: string): KubeObject {
  const object = JSON.parse(text);
  object.metadata.namespace = bed.namespace;
  object.metadata.labels = {
    [kustomizationNameLabel]: owner,
    [kustomizationNamespaceLabel]: bed.namespace,
  };
  if (object.kind !== 'Deployment') return object;
  object.spec.strategy = {};
  for (const container of object.spec.template.spec.containers) container.resources = {};
  return object;
}

/** Leaves everything as Flux does that has applied a revision and was stopped; the Kustomization is suspended. */
async function leftByFlux(name: string, revision: string): Promise<void> {
  const { client, namespace } = bed;
  const artifact = await bed.publish(filesOf(name), revision, name);
  await bed.apply(
    { suspend: true, sourceRef: { kind: 'ExternalArtifact', name }, targetNamespace: namespace },
    name,
  );
  const [web, settings] = Object.values(filesOf(name)).map((text) => inWordsOfFlux(text, name));
  const options = { fieldManager: 'kustomize-controller', force: true };
  await client.apply(deployments, web as KubeObject, options);
  await client.apply(configMaps, settings as KubeObject, options);
  const finalizers = { metadata: { finalizers: ['finalizers.fluxcd.io'] } };
  const key = { namespace, name };
  await client.patch(kustomizations, key, finalizers, { type: 'merge' });
  const time = '2026-01-01T10:00:00Z';
  const status: Kustomization['status'] = {
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'ReconciliationSucceeded',
        message: `Applied revision: ${artifact.revision}`,
        lastTransitionTime: time,
        observedGeneration: 1,
      },
    ],
    // Flux lists what it applied in the order of its stages.
    inventory: {
      entries: [
        { id: `${namespace}_${name}__ConfigMap`, v: 'v1' },
        { id: `${namespace}_${name}_apps_Deployment`, v: 'v1' },
      ],
    },
    history: [
      {
        digest: `sha256:${'f'.repeat(64)}`,
        firstReconciled: time,
        lastReconciled: time,
        lastReconciledDuration: '648.174706ms',
        lastReconciledStatus: 'ReconciliationSucceeded',
        totalReconciliations: 3,
        metadata: { revision },
      },
    ],
    lastAppliedRevision: revision,
    lastAttemptedRevision: revision,
    lastHandledReconcileAt: '2026-01-01T09:59:59.123456789Z',
    // The one that it has when it is no longer suspended.
    observedGeneration: 2,
  };
  await client.patch(kustomizations, key, { status }, { type: 'merge', subresource: 'status' });
}

async function live(name: string): Promise<KubeObject[]> {
  const key = { namespace: bed.namespace, name };
  return Promise.all([bed.client.get(deployments, key), bed.client.get(configMaps, key)]);
}

/** Tells who has written what to the objects and when; the status of the Deployment is not ours. */
const writes = async (name: string) =>
  (await live(name)).map(({ metadata: { uid, generation, managedFields } }) => ({
    uid,
    generation,
    by: managedFields?.filter(({ subresource }) => subresource === undefined),
  }));

let requests = 0;

/** Lets our controller see the Kustomization, and waits until it has reconciled it well. */
async function takeOver(name: string): Promise<Kustomization> {
  const requestedAt = `2030-01-01T00:00:0${++requests}Z`;
  const change = {
    metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': requestedAt } },
    spec: { suspend: false },
  };
  const key = { namespace: bed.namespace, name };
  await bed.client.patch(kustomizations, key, change, { type: 'merge' });
  return bed.when(
    (o) => o.status?.lastHandledReconcileAt === requestedAt && conditionOf(o)?.status === 'True',
    name,
  );
}

test('what Flux has applied is taken over without a write', async () => {
  await leftByFlux('equal', 'r1');
  const before = await writes('equal');
  const object = await takeOver('equal');
  expect(await writes('equal')).toEqual(before);
  expect(object.status?.inventory?.entries.map(({ id }) => id).sort()).toEqual([
    `${bed.namespace}_equal__ConfigMap`,
    `${bed.namespace}_equal_apps_Deployment`,
  ]);
  expect(object.status?.history).toMatchObject([{}, { totalReconciliations: 3 }]);
  const said = bed.events.filter((event) => event.involvedObject.name === 'equal');
  expect(said.map((event) => event.reason)).toEqual(['ReconciliationSucceeded']);
});

test('a change by hand from the time without a controller is undone, and nothing else is written', async () => {
  await leftByFlux('edited', 'r1');
  const key = { namespace: bed.namespace, name: 'edited' };
  const edit = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await bed.client.patch(configMaps, key, { data: { color: 'red' } }, edit);
  const before = await writes('edited');
  await takeOver('edited');
  const [, settings] = await live('edited');
  expect(settings).toMatchObject({ data: { color: 'blue' } });
  expect((await writes('edited'))[0]).toEqual(before[0]);
});

test('an artifact that went with the storage of Flux is waited for; nothing is pruned meanwhile', async () => {
  await leftByFlux('absent', 'r1');
  const before = await writes('absent');
  const key = { namespace: bed.namespace, name: 'absent' };
  // Where nobody listens any more; Flux packs the same files into other bytes.
  const url = 'http://127.0.0.1:9/gitrepository/flux-system/flux-system/r1.tar.gz';
  const status = { artifact: { url, digest: `sha256:${'e'.repeat(64)}` } };
  const options = { type: 'merge', subresource: 'status' } as const;
  await bed.client.patch(resourceOf(externalArtifactKind), key, { status }, options);
  await bed.patch({ suspend: false }, 'absent');
  const object = await bed.failed('ArtifactFailed', 'absent');
  expect(object.status?.inventory?.entries).toHaveLength(2);
  expect(object.status?.lastAppliedRevision).toBe('r1');
  await bed.publish(filesOf('absent'), 'r1', 'absent');
  await takeOver('absent');
  expect(await writes('absent')).toEqual(before);
});
