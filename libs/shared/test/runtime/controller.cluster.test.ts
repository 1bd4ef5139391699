import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { RetryableError, StalledError, silentLogger } from '@sluice/shared/base';
import { coreResources, createInformer, type KubeClient, resourceOf } from '@sluice/shared/kube';
import {
  assertStatusContract,
  testCluster,
  testNamespace,
  until,
  untilGone,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createController } from '../../src/runtime/controller.ts';
import { createEventRecorder } from '../../src/runtime/observe/events.ts';
import type { KubeEvent } from '../../src/runtime/observe/kube-events.ts';
import { createMetrics } from '../../src/runtime/observe/metrics.ts';
import { done, type ReconcileContext, type Reconciler } from '../../src/runtime/reconciler.ts';

const resource = resourceOf(gitRepositoryKind);
const requestedAt = 'reconcile.fluxcd.io/requestedAt';
const stop = new AbortController();
const reconciled: string[] = [];
const finalized: string[] = [];
let client: KubeClient;
let namespace: string;
let running: Promise<void>;

/** Behaves as the branch name says. */
const toy: Reconciler<GitRepository> = {
  kind: gitRepositoryKind,
  controllerName: 'source-controller',
  async reconcile({ object, status, event }: ReconcileContext<GitRepository>) {
    reconciled.push(object.metadata.name);
    expect(object.metadata.finalizers).toContain('finalizers.fluxcd.io');
    status.reconciling('Progressing', 'working');
    await status.patch();
    const branch = object.spec.ref?.branch;
    if (branch === 'stall') throw new StalledError('InvalidBranch', 'spec.ref.branch: bad');
    if (branch === 'fail') throw new RetryableError('GitOperationFailed', 'no route to host');
    status.ready('Succeeded', `stored ${branch}`);
    await event({ severity: 'info', reason: 'NewArtifact', message: `stored ${branch}` });
    return done();
  },
  async finalize({ object }) {
    finalized.push(object.metadata.name);
    return done();
  },
};

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'controller');
  const controller = createController({
    reconciler: toy,
    client,
    informer: createInformer<GitRepository>({ client, resource, namespace }),
    concurrency: 4,
    events: createEventRecorder({
      client,
      controllerName: 'source-controller',
      logger: silentLogger,
    }),
    metrics: createMetrics('source-controller'),
    logger: silentLogger,
    minRetryDelayMs: 60_000,
    maxRetryDelayMs: 60_000,
    intervalJitterPercentage: 5,
  });
  running = controller.run(stop.signal);
});

afterAll(async () => {
  stop.abort();
  await running;
});

function create(name: string, spec: Partial<GitRepository['spec']> = {}): Promise<GitRepository> {
  return client.create<GitRepository>(resource, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name, namespace },
    spec: { url: 'https://localhost/app', interval: '10m', ref: { branch: 'main' }, ...spec },
  });
}

const change = (name: string, patch: object) =>
  client.patch<GitRepository>(resource, { namespace, name }, patch, { type: 'merge' });

function ready(
  name: string,
  message: string,
  fits: (object: GitRepository) => boolean = () => true,
): Promise<GitRepository> {
  return until<GitRepository>(client, resource, { namespace, name }, (object) => {
    const condition = object.status?.conditions?.find((c) => c.type === 'Ready');
    return condition?.message === message && condition.status !== 'Unknown' && fits(object);
  });
}

describe('a controller against a real API server', () => {
  it('reconciles an object once, keeps the status contract, and records the event', async () => {
    await create('plain');
    const object = await ready('plain', 'stored main');
    assertStatusContract(object);
    expect(object.status?.observedGeneration).toBe(1);
    const events = await until<KubeEvent>(
      client,
      coreResources.events,
      { namespace, name: await eventName('plain') },
      (event) => event.type === 'Normal',
    );
    expect(events).toMatchObject({ reason: 'NewArtifact', message: 'stored main', count: 1 });
    expect(reconciled.filter((name) => name === 'plain')).toHaveLength(1);
  });

  it('follows a change of the spec', async () => {
    await create('edited');
    await ready('edited', 'stored main');
    await change('edited', { spec: { ref: { branch: 'next' } } });
    const object = await ready('edited', 'stored next');
    expect(object.status?.observedGeneration).toBe(2);
    assertStatusContract(object);
  });

  it.each(['main', 'fail'])('handles a request, branch %s', async (branch) => {
    const name = `requested-${branch}`;
    await create(name, { ref: { branch } });
    const message = branch === 'fail' ? 'no route to host' : 'stored main';
    await ready(name, message);
    await change(name, { metadata: { annotations: { [requestedAt]: 'now' } } });
    const handled = (o: GitRepository) => o.status?.lastHandledReconcileAt === 'now';
    assertStatusContract(await ready(name, message, handled));
    expect(reconciled.filter((n) => n === name)).toHaveLength(2);
  });

  it('leaves a suspended object alone until it is resumed', async () => {
    await create('suspended', { suspend: true });
    await create('after-suspended');
    await ready('after-suspended', 'stored main');
    expect(reconciled).not.toContain('suspended');
    await change('suspended', { spec: { suspend: false } });
    await ready('suspended', 'stored main');
  });

  it('stalls until the spec changes', async () => {
    await create('stalled', { ref: { branch: 'stall' } });
    const object = await ready('stalled', 'spec.ref.branch: bad');
    assertStatusContract(object);
    expect(object.status?.observedGeneration).toBe(1);
    expect(object.status?.conditions?.map((c) => c.type).sort()).toEqual(['Ready', 'Stalled']);
    await change('stalled', { spec: { ref: { branch: 'main' } } });
    assertStatusContract(await ready('stalled', 'stored main'));
    expect(reconciled.filter((name) => name === 'stalled')).toHaveLength(2);
  });

  it('reports a failure with a Warning', async () => {
    await create('failing', { ref: { branch: 'fail' } });
    const object = await ready('failing', 'no route to host');
    assertStatusContract(object);
    expect(object.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Reconciling', reason: 'ProgressingWithRetry' }),
    );
    const name = await eventName('failing');
    const event = await client.get<KubeEvent>(coreResources.events, { namespace, name });
    expect(event).toMatchObject({ type: 'Warning', reason: 'GitOperationFailed' });
  });

  it('finalizes a deleted object before it goes', async () => {
    await create('deleted');
    await ready('deleted', 'stored main');
    await client.delete(resource, { namespace, name: 'deleted' });
    await untilGone(client, resource, { namespace, name: 'deleted' });
    expect(finalized).toEqual(['deleted']);
  });
});

/** Waits for the first Event of an object and returns its name. */
async function eventName(object: string): Promise<string> {
  const fieldSelector = `involvedObject.name=${object}`;
  const { items, resourceVersion } = await client.list<KubeEvent>(coreResources.events, {
    namespace,
    fieldSelector,
  });
  if (items[0]) return items[0].metadata.name;
  const watch = { namespace, fieldSelector, resourceVersion, signal: AbortSignal.timeout(20_000) };
  for await (const event of client.watch<KubeEvent>(coreResources.events, watch)) {
    if (event.type === 'ADDED') return event.object.metadata.name;
  }
  throw new Error(`no event of ${object}`);
}
