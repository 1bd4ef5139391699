import type { KubeObject } from '@sluice/shared/api';
import { LruBytes, systemClock } from '@sluice/shared/base';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActionContext } from '../../src/action/context.ts';
import { rollback } from '../../src/action/rollback.ts';
import { uninstall } from '../../src/action/uninstall.ts';
import { unlock } from '../../src/action/unlock.ts';
import { isPending, type Release } from '../../src/release/release.ts';
import {
  openReleaseStorage,
  ReleaseChangedError,
  type ReleaseStorage,
} from '../../src/release/storage.ts';
import { type Bed, configMaps, installed, startBed, upgraded, upgradeOptions } from './bed.ts';
import { configMap, deployment, hook, rendered, without } from './objects.ts';
import { wrapped } from './wrapped-client.ts';

// Rows 32 and 33 of the fault matrix: the process ends before or after any request of any action. What comes next is
// a process that knows nothing but the cluster, and wants a revision that differs from the interrupted one.

let bed: Bed;

beforeAll(async () => {
  bed = await startBed('killed');
});

afterAll(async () => {
  await bed.stop();
});

const killed = new Error('killed');
const uninstallOptions = {
  timeoutMs: 30_000,
  disableHooks: false,
  disableWait: false,
  keepHistory: false,
  propagation: 'background' as const,
};

/** The context of a process that is killed around its n-th request; undefined n for one that lives. */
function processOf(kill?: { n: number; when: 'before' | 'after' }) {
  const controller = new AbortController();
  let count = 0;
  const at = (when: 'before' | 'after') => {
    if (when === 'before') count++;
    if (kill === undefined || kill.when !== when || kill.n !== count) return;
    controller.abort(killed);
    throw killed;
  };
  const client = wrapped(bed.client, { before: () => at('before'), after: () => at('after') });
  const { namespace } = bed;
  const cache = new LruBytes<Release>(1 << 20);
  const storage = openReleaseStorage({ client, namespace, cache, clock: systemClock });
  // One request at a time, so that a request has a number.
  const ctx: ActionContext = {
    ...bed.ctx,
    client,
    storage,
    signal: controller.signal,
    concurrency: 1,
  };
  return { ctx, controller };
}

/** Releases of a scenario, with objects of their own. */
function releasesOf(name: string) {
  const of = (objects: string[], more: object[] = []): Release => {
    const all = objects.map((object) => configMap(`${name}-${object}`));
    const hooks = [
      hook(configMap(`${name}-hook`), [
        'pre-install',
        'post-upgrade',
        'pre-rollback',
        'pre-delete',
      ]),
    ];
    return rendered(bed.namespace, [...all, ...(more as typeof all)], { name, hooks });
  };
  return {
    first: of(['a', 'b']),
    second: of(['a', 'c']),
    broken: of(['a', 'c'], [without(deployment(name), 'spec.selector')]),
    wanted: of(['a', 'd']),
  };
}

/** What a controller does that finds the release: recovers it, then makes what is wanted. */
async function nextRun(ctx: ActionContext, wanted: Release): Promise<void> {
  const { storage } = ctx;
  const last = await storage.last(wanted.name);
  if (last === undefined) {
    await installed({ ...bed, ctx }, wanted);
    return;
  }
  if (isPending(last)) await unlock(ctx, last);
  const current =
    last.info.status === 'deployed' ? last : ((await storage.deployed(last.name)) ?? last);
  await upgraded({ ...bed, ctx }, current, { ...wanted, version: last.version + 1 });
}

/** Names of the ConfigMaps that say they are of a release. */
async function objectsOf(name: string): Promise<string[]> {
  const { items } = await bed.client.list<KubeObject>(configMaps, { namespace: bed.namespace });
  return items
    .filter(({ metadata }) => metadata.annotations?.['meta.helm.sh/release-name'] === name)
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** States of the stored revisions, oldest first. */
async function statusesOf(name: string): Promise<string[]> {
  return (await bed.ctx.storage.history(name)).map(({ info }) => info.status);
}

interface Scenario {
  action: string;
  /** Makes what the action starts from. */
  prepare(ctx: ActionContext, releases: ReturnType<typeof releasesOf>): Promise<void>;
  act(ctx: ActionContext, releases: ReturnType<typeof releasesOf>): Promise<unknown>;
  /** What a later process does. */
  recover(ctx: ActionContext, releases: ReturnType<typeof releasesOf>): Promise<void>;
  /** What there is in the end. */
  left: string[];
}

async function last(storage: ReleaseStorage, name: string): Promise<Release> {
  return (await storage.last(name)) as Release;
}

const scenarios: Scenario[] = [
  {
    action: 'install',
    prepare: async () => {},
    act: (ctx, { first }) => installed({ ...bed, ctx }, first),
    recover: (ctx, { wanted }) => nextRun(ctx, wanted),
    left: ['a', 'd'],
  },
  {
    action: 'upgrade',
    prepare: async (ctx, { first }) => {
      await installed({ ...bed, ctx }, first);
    },
    act: async (ctx, { first, second }) =>
      upgraded({ ...bed, ctx }, await last(bed.ctx.storage, first.name), second),
    recover: (ctx, { wanted }) => nextRun(ctx, wanted),
    left: ['a', 'd'],
  },
  {
    action: 'rollback',
    prepare: async (ctx, { first, broken }) => {
      const one = await installed({ ...bed, ctx }, first);
      await expect(upgraded({ ...bed, ctx }, one, broken)).rejects.toThrow('apply failed');
    },
    act: async (ctx, { first }) => {
      const { storage } = bed.ctx;
      const to = (await storage.get(first.name, 1)) as Release;
      const options = { ...upgradeOptions, serverSideApply: 'auto' as const };
      return rollback(ctx, { to, last: await last(storage, first.name), options });
    },
    recover: (ctx, { wanted }) => nextRun(ctx, wanted),
    left: ['a', 'd'],
  },
  {
    action: 'uninstall',
    prepare: async (ctx, { first, second }) => {
      await upgraded({ ...bed, ctx }, await installed({ ...bed, ctx }, first), second);
    },
    act: async (ctx, { first }) =>
      uninstall(ctx, {
        release: await last(bed.ctx.storage, first.name),
        options: uninstallOptions,
      }),
    recover: async (ctx, { first }) => {
      const release = await ctx.storage.last(first.name);
      if (release !== undefined) await uninstall(ctx, { release, options: uninstallOptions });
    },
    left: [],
  },
];

/** Runs a scenario that is killed; returns whether it got that far. */
async function survive(
  scenario: Scenario,
  name: string,
  kill: { n: number; when: 'before' | 'after' },
): Promise<boolean> {
  const releases = releasesOf(name);
  await scenario.prepare(processOf().ctx, releases);
  const { ctx, controller } = processOf(kill);
  const error = await scenario.act(ctx, releases).then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!controller.signal.aborted) return false;
  // Whether the action or its caller hears of it, it is the same abort.
  if (error !== undefined) expect(error).toBe(killed);
  const next = processOf().ctx;
  await scenario.recover(next, releases);
  const step = `${scenario.action} killed ${kill.when} request ${kill.n}`;
  expect(await objectsOf(name), step).toEqual(scenario.left.map((object) => `${name}-${object}`));
  const history = await next.storage.history(name);
  expect(history.filter(isPending), step).toEqual([]);
  const deployed = history.filter(({ info }) => info.status === 'deployed');
  expect(deployed, step).toHaveLength(scenario.left.length === 0 ? 0 : 1);
  return true;
}

test.each(scenarios)(
  'whatever request of an $action is the last one, the next run converges',
  async (scenario) => {
    const steps: number[] = [];
    for (const when of ['before', 'after'] as const) {
      for (let n = 1; ; n++) {
        const name = `${scenario.action}-${when}-${n}`;
        if (!(await survive(scenario, name, { n, when }))) break;
        steps.push(n);
      }
    }
    // As many requests as the action makes, twice.
    expect(steps.length).toBeGreaterThan(12);
  },
);

test('an action whose record somebody else has taken over stops, and leaves the record alone', async () => {
  const name = 'takenover';
  const ready = Promise.withResolvers<void>();
  const ctx = { ...bed.ctx, onApplied: () => ready.resolve() };
  const objects = [deployment(name, 1, 'pending')];
  const acting = installed({ ...bed, ctx }, rendered(bed.namespace, objects, { name }), {
    timeoutMs: 300,
  });
  await ready.promise;
  await unlock(bed.ctx, await last(bed.ctx.storage, name));
  await expect(acting).rejects.toBeInstanceOf(ReleaseChangedError);
  const { info } = await last(bed.ctx.storage, name);
  expect(info.description).toBe("Release unlocked from stale 'pending-install' state");
});

test('a revision is made even when the record of the one before is deleted meanwhile', async () => {
  const name = 'forgotten';
  const { first, second } = releasesOf(name);
  const one = await installed(bed, first);
  const deletes = (call: string) =>
    call.startsWith('apply ') ? bed.ctx.storage.delete(name, 1) : undefined;
  const client = wrapped(bed.client, { after: (call) => void deletes(call) });
  const release = await upgraded({ ...bed, ctx: { ...bed.ctx, client } }, one, second);
  expect(release.info.status).toBe('deployed');
  expect(await statusesOf(name)).toEqual(['deployed']);
});
