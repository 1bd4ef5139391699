import { allKinds, type Condition, type KindDefinition, type KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { ApiError, coreResources, resourceOf } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { expect, test } from 'vitest';
import { oddObjects } from './odd-objects.ts';
import { useMainJob } from './use-main-job.ts';
import { signedEvents, timeoutMs } from './world.ts';

const namespace = 'odd';
/** Of a tenant who has but a few objects, and waits for no other. */
const bareNamespace = 'bare';
const parallel = 16;
/** Kinds whose objects tell in their status what is wrong with them; the others do so by an Event, or nobody here reconciles them. */
const reconciled = allKinds.filter(
  ({ kind, hasStatus }) =>
    hasStatus && !['Alert', 'Provider', 'ExternalArtifact', 'ArtifactGenerator'].includes(kind),
);

async function namesOf(kind: KindDefinition): Promise<string[]> {
  const options = { namespace, metadataOnly: true };
  const { items } = await job.world.client.list(resourceOf(kind), options);
  return items.map(({ metadata }) => metadata.name);
}

const job = useMainJob();
const [first, pushed, , , pruned, healed] = job.steps;
/** Hundreds of objects, each of which several processes look at. */
const stepMs = 240_000;

interface WithStatus extends KubeObject {
  status?: { conditions?: Condition[] };
}

/** The objects that have no spec at all, which every schema lets through. */
const bare = allKinds.map((kind) => ({
  kind,
  key: { namespace: bareNamespace, name: `bare-${kind.singular}` },
}));

test('the main job begins', () => first?.run(job.world), stepMs);

test(
  'every kind is stored with every field missing, null, empty and large, as far as the API server allows',
  async () => {
    const { client } = job.world;
    for (const name of [namespace, bareNamespace]) {
      const metadata = { name };
      await client.create(coreResources.namespaces, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata,
      });
    }
    const stored = await mapConcurrently(oddObjects(), parallel, async ({ kind, object }, at) => {
      const metadata = { namespace, name: `odd-${at}` };
      try {
        await client.create(resourceOf(kind), { ...object, metadata });
        return kind.kind;
      } catch (error) {
        if (error instanceof ApiError && [400, 413, 422].includes(error.status)) return undefined;
        throw error;
      }
    });
    for (const { kind, key } of bare) {
      const { group, version } = kind;
      const object = { apiVersion: `${group}/${version}`, kind: kind.kind, metadata: key };
      await client.create(resourceOf(kind), object);
    }
    for (const { kind } of allKinds)
      expect(stored.filter((each) => each === kind).length, kind).toBeGreaterThan(4);
  },
  stepMs,
);

test.each(reconciled.map((kind) => ({ name: kind.kind, kind })))(
  'a $name without spec says so, and stalls',
  async ({ kind }) => {
    const key = { namespace: bareNamespace, name: `bare-${kind.singular}` };
    const { status } = await until<WithStatus>(
      job.world.client,
      resourceOf(kind),
      key,
      ({ status: now }) => now?.conditions?.some(({ type }) => type === 'Stalled') ?? false,
      { timeoutMs },
    );
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    expect(ready?.message).toContain('spec is missing');
  },
  stepMs,
);

test(
  'a commit is applied beside them, and its alert delivered',
  async () => {
    await pushed?.run(job.world);
    const revision = job.progress.revisions.at(-1) ?? '';
    await expect
      .poll(() => signedEvents(job.world.hmac).some((e) => JSON.stringify(e).includes(revision)), {
        timeout: timeoutMs,
      })
      .toBe(true);
  },
  stepMs,
);

test(
  'a removed file is pruned and an edit undone after all controllers started again beside them',
  async () => {
    const { processes } = job.world.controllers;
    for (const controller of Object.values(processes)) await controller.stop();
    for (const controller of Object.values(processes)) await controller.start();
    await pruned?.run(job.world);
    await healed?.run(job.world);
  },
  stepMs,
);

test(
  'one without spec is reconciled once it has one',
  async () => {
    const { client } = job.world;
    const kind = allKinds.find((each) => each.kind === 'GitRepository');
    if (kind === undefined) throw new Error('there is no GitRepository');
    const key = { namespace: bareNamespace, name: `bare-${kind.singular}` };
    const spec = { interval: '1h', url: job.world.git.url('shop'), ref: { branch: 'main' } };
    await client.patch(resourceOf(kind), key, { spec }, { type: 'merge' });
    await until<WithStatus>(
      client,
      resourceOf(kind),
      key,
      ({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ??
        false,
      { timeoutMs },
    );
  },
  stepMs,
);

test(
  'all of them can be deleted',
  async () => {
    const { client } = job.world;
    for (const kind of allKinds) {
      await mapConcurrently(await namesOf(kind), parallel, (name) =>
        client.delete(resourceOf(kind), { namespace, name }),
      );
    }
    for (const kind of allKinds) {
      // One look at all of them: one for each would be as much work as their deletion.
      await expect.poll(() => namesOf(kind), { timeout: timeoutMs, interval: 250 }).toEqual([]);
    }
  },
  stepMs,
);
