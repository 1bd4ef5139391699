import type { GitRepository, KubeObject, Kustomization } from '@sluice/shared/api';
import { gitRepositoryKind, kustomizationKind } from '@sluice/shared/api';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { assertStatusContract, until, untilGone } from '@sluice/testing';
import { expect } from 'vitest';
import {
  appNamespace,
  appsV1,
  coreV1,
  deployment,
  gitRepository,
  key,
  kustomization,
  receiver,
} from './objects.ts';
import { sendPush } from './push.ts';
import { timeoutMs, type World } from './world.ts';

/** One step of the main job: what is done, and the state of the world that must follow. */
export interface Step {
  name: string;
  run(world: World): Promise<void>;
}

/** What a test learns while the steps run. */
export interface Progress {
  revisions: string[];
  badRevision: string;
}

async function untilApplied(world: World, sha: string): Promise<Kustomization> {
  const applied = await until<Kustomization>(
    world.client,
    resourceOf(kustomizationKind),
    key,
    (k) => isReady(k) && (k.status?.lastAppliedRevision ?? '').endsWith(sha),
    { timeoutMs },
  );
  assertStatusContract(applied);
  return applied;
}

async function push(
  world: World,
  change: { files?: Record<string, string>; remove?: string[]; message: string },
): Promise<string> {
  const sha = await world.repo.commit(change);
  await sendPush(world);
  return sha;
}

async function live(
  world: World,
  of: { apiVersion: string; kind: string },
  name: string,
): Promise<KubeObject | undefined> {
  try {
    return await world.client.get(await world.resource(of), { namespace: appNamespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

interface Workload extends KubeObject {
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

function imageOf(workload: Workload): string | undefined {
  return workload.spec.template.spec.containers[0]?.image;
}

async function untilWorkload(
  world: World,
  predicate: (workload: Workload) => boolean,
): Promise<void> {
  await until<Workload>(
    world.client,
    await world.resource(appsV1('Deployment')),
    { namespace: appNamespace, name: 'web' },
    predicate,
    { timeoutMs },
  );
}

async function patchSuspend(world: World, suspend: boolean): Promise<void> {
  await world.client.patch(
    resourceOf(kustomizationKind),
    key,
    { spec: { suspend } },
    { type: 'merge' },
  );
}

/** The steps in order; `progress` is filled on the way. */
export function mainJob(progress: Progress): Step[] {
  return [
    {
      name: 'the first commit is applied and healthy',
      async run(world) {
        await world.apply(receiver);
        await world.apply(gitRepository(world));
        await world.apply(kustomization);
        const first = await world.repo.resolve('main');
        await untilApplied(world, first);
        await untilWorkload(world, (w) => imageOf(w) === 'web:1.0.0');
        progress.revisions.push(first);
      },
    },
    {
      name: 'a pushed commit is applied',
      async run(world) {
        const sha = await push(world, {
          files: { 'shop/deployment.yaml': deployment('1.1.0') },
          message: 'web 1.1.0',
        });
        await untilApplied(world, sha);
        await untilWorkload(world, (w) => imageOf(w) === 'web:1.1.0');
        progress.revisions.push(sha);
      },
    },
    {
      name: 'a bad commit fails with the reason and leaves the rest as it was',
      async run(world) {
        const sha = await push(world, {
          files: { 'shop/deployment.yaml': deployment('1.2.0', -1) },
          message: 'bad',
        });
        const failed = await until<Kustomization>(
          world.client,
          resourceOf(kustomizationKind),
          key,
          (k) =>
            (k.status?.lastAttemptedRevision ?? '').endsWith(sha) &&
            (k.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'False'),
          { timeoutMs },
        );
        const ready = failed.status?.conditions?.find((c) => c.type === 'Ready');
        expect(ready?.message).toMatch(/Deployment\/shop\/web.*spec\.replicas/s);
        await untilWorkload(world, (w) => imageOf(w) === 'web:1.1.0');
        progress.badRevision = sha;
      },
    },
    {
      name: 'git revert makes it healthy again',
      async run(world) {
        const sha = await world.repo.revert();
        await sendPush(world);
        await untilApplied(world, sha);
        progress.revisions.push(sha);
      },
    },
    {
      name: 'a removed file is pruned',
      async run(world) {
        const sha = await push(world, { remove: ['shop/settings.yaml'], message: 'no settings' });
        await untilApplied(world, sha);
        expect(await live(world, coreV1('ConfigMap'), 'settings')).toBeUndefined();
        progress.revisions.push(sha);
      },
    },
    {
      name: 'an edit by hand is undone',
      async run(world) {
        const resource = await world.resource(appsV1('Deployment'));
        await world.client.patch(
          resource,
          { namespace: appNamespace, name: 'web' },
          { spec: { replicas: 3 } },
          { type: 'merge', fieldManager: 'kubectl-edit' },
        );
        await untilWorkload(world, (w) => w.spec.replicas === 1);
      },
    },
    {
      name: 'while suspended nothing is applied, and all of it after resuming',
      async run(world) {
        await patchSuspend(world, true);
        const sha = await push(world, {
          files: { 'shop/deployment.yaml': deployment('2.0.0') },
          message: 'web 2.0.0',
        });
        await until<GitRepository>(
          world.client,
          resourceOf(gitRepositoryKind),
          key,
          (g) => (g.status?.artifact?.revision ?? '').endsWith(sha),
          { timeoutMs },
        );
        const untouched = (await live(world, appsV1('Deployment'), 'web')) as Workload;
        expect(imageOf(untouched)).toBe('web:1.1.0');
        await patchSuspend(world, false);
        await untilApplied(world, sha);
        await untilWorkload(world, (w) => imageOf(w) === 'web:2.0.0');
        progress.revisions.push(sha);
      },
    },
  ];
}

/** Deleting the Kustomization and the source leaves nothing behind. */
export async function deleteAll(world: World): Promise<void> {
  await world.client.delete(resourceOf(kustomizationKind), key);
  await untilGone(world.client, resourceOf(kustomizationKind), key, { timeoutMs });
  expect(await live(world, appsV1('Deployment'), 'web')).toBeUndefined();
  await world.client.delete(resourceOf(gitRepositoryKind), key);
  await untilGone(world.client, resourceOf(gitRepositoryKind), key, { timeoutMs });
}
