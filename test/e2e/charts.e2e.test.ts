import { join } from 'node:path';
import { controllerNames, podsCannotRun } from '@sluice/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { findCanaries } from './canaries.ts';
import { useWatcher, withWatcher } from './charts/composed.ts';
import { apartValues, postEvent, untilEventTaken } from './charts/events.ts';
import { useEveryKind } from './charts/every-kind.ts';
import { untilAllReady } from './charts/install.ts';
import { highlyAvailable, untilLeadersRenew, upgrade, useShard } from './charts/shards.ts';
import { type ChartWorld, fluxNamespace, startChartWorld } from './charts/world.ts';
import { deleteRelease, helmJob, passwordSecret } from './helm-job.ts';
import { deleteAll, mainJob, type Progress } from './main-job.ts';
import { prepare } from './objects.ts';
import { rbacDocument } from './rbac/document.ts';
import { neverUsed, reasonFor } from './rbac/never-used.ts';
import {
  allows,
  describePermission,
  type Grants,
  grantsOf,
  isOwnWork,
  ownRequests,
  userOf,
} from './rbac/permissions.ts';

const documentPath = join(import.meta.dirname, '../../docs/rbac.md');
const reason = podsCannotRun();
if (reason) console.warn(`the tests of installed charts are skipped: ${reason}`);

const single = (name: string) => `only-${name}`;

describe.skipIf(reason)('the umbrella chart, installed with helm and run', () => {
  let world: ChartWorld;
  const progress: Progress = { revisions: [], badRevision: '' };
  const grants: Record<string, Grants> = {};

  beforeAll(async () => {
    world = await startChartWorld({
      namespaces: controllerNames.map(single),
      values: withWatcher,
    });
    console.info(`helm install to all Ready: ${(world.readyMs / 1000).toFixed(1)} s`);
    await prepare(world);
    await world.apply(passwordSecret);
  }, 240_000);
  afterAll(() => world?.stop());
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => console.error(world.node.pods.map((pod) => pod.logs()).join('\n')));
  });

  for (const step of [...mainJob(progress), ...helmJob]) {
    test(step.name, () => step.run(world), 120_000);
  }

  test('every revision and the failure are announced', async () => {
    await expectAllAnnounced(world, progress);
  }, 60_000);

  test('no secret value is in logs, events, status, metrics, arguments, or files', async () => {
    expect(await findCanaries(world)).toEqual([]);
  });

  test('deleting all leaves nothing behind', async () => {
    await deleteRelease(world);
    await deleteAll(world);
  }, 60_000);

  test(
    'every kind works, with everything that it can refer to',
    () => useEveryKind(world),
    120_000,
  );

  test(
    'source-watcher, which is installed on request, makes an artifact that is applied',
    () => useWatcher(world),
    120_000,
  );

  test('events over HTTP are taken from the accounts of the controllers alone', async () => {
    expect(await postEvent(world)).toBe(401);
    expect(await postEvent(world, 'notification-controller')).toBe(403);
    expect(await postEvent(world, 'kustomize-controller')).toBe(202);
  });

  test('no container has ended', () => {
    expect(world.node.pods.filter(({ restarts }) => restarts > 0)).toEqual([]);
  });

  test('an upgrade makes replicas that elect a leader, and a shard that does its part', async () => {
    await upgrade(world, { ...highlyAvailable, ...withWatcher });
    await useShard(world);
    await untilLeadersRenew(world);
  }, 120_000);

  test('each controller starts alone, with the roles of its own chart in its own namespace', async () => {
    const installs = controllerNames.map((name) => {
      const release = { name, namespace: single(name), chart: world.charts[name] };
      return world.install({ ...release, values: apartValues(name, single) });
    });
    await Promise.all(installs);
    for (const name of controllerNames) {
      await untilAllReady(world.node, single(name), { names: [name], nats: false });
    }
  }, 120_000);

  test('they know each other by their tokens', () => untilEventTaken(world, single), 120_000);

  test('nothing was refused to a controller', async () => {
    const accounts = [
      userOf({ namespace: fluxNamespace, name: 'source-watcher' }),
      ...controllerNames.flatMap((name) => [
        userOf({ namespace: fluxNamespace, name }),
        userOf({ namespace: single(name), name }),
      ]),
    ];
    const refused = (await world.requests()).filter(
      ({ code, user }) => code === 403 && accounts.includes(user),
    );
    expect(refused).toEqual([]);
  });

  test.each(controllerNames)(
    '%s needs no role of the cluster for what it does itself',
    async (name) => {
      const account = { namespace: fluxNamespace, name };
      const { permissions } = await grantsOf(world.client, account);
      const beyond = ownRequests(await world.requests(), account).filter(
        (request) => isOwnWork(request) && !permissions.some((each) => allows(each, request)),
      );
      expect([...new Set(beyond.map(describePermission))]).toEqual([]);
    },
  );

  test.each(controllerNames)(
    '%s was granted nothing that it does not use, unless there is a reason',
    async (name) => {
      const account = { namespace: fluxNamespace, name };
      const own = ownRequests(await world.requests(), account);
      const granted = await grantsOf(world.client, account);
      grants[name] = granted;
      const unused = granted.permissions.filter(
        (permission) =>
          reasonFor(name, permission) === undefined &&
          !own.some((request) => allows(permission, request)),
      );
      expect([...new Set(unused.map(describePermission))]).toEqual([]);
    },
  );

  test('every reason is for something that is granted', () => {
    const stale = neverUsed.flatMap(({ controllers, group, resources, verbs }) =>
      controllers.flatMap((name) =>
        resources.flatMap((resource) =>
          verbs
            .filter(
              (verb) =>
                !grants[name]?.permissions.some(
                  (each) =>
                    each.group === group && each.resource === resource && each.verb === verb,
                ),
            )
            .map((verb) => `${name}: ${describePermission({ group, resource, verb })}`),
        ),
      ),
    );
    expect(stale).toEqual([]);
  });

  test('docs/rbac.md lists the permissions as they are', async () => {
    await expect(rbacDocument(grants)).toMatchFileSnapshot(documentPath);
  });
});
