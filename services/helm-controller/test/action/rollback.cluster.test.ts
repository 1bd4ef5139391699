import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RollbackOptions, rollback } from '../../src/action/rollback.ts';
import type { Release } from '../../src/release/release.ts';
import { type Bed, installed, startBed, upgraded, upgradeOptions } from './bed.ts';
import { configMap, type Doc, deployment, hook, rendered, without } from './objects.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed();
});

afterAll(async () => {
  await bed.stop();
});

function of(name: string, objects: Doc[], fields: Partial<Release> = {}) {
  return rendered(bed.namespace, objects, { name, ...fields });
}

function rolledBack(to: Release, last: Release, options: Partial<RollbackOptions> = {}) {
  const all = { ...upgradeOptions, serverSideApply: 'auto' as const, ...options };
  return rollback(bed.ctx, { to, last, options: all });
}

async function historyOf(name: string) {
  const releases = await bed.ctx.storage.history(name);
  return releases.map(({ version, info }) => [version, info.status, info.description]);
}

async function stored(name: string, version: number): Promise<Release> {
  const release = await bed.ctx.storage.get(name, version);
  if (release === undefined) throw new Error(`revision ${version} of ${name} is not stored`);
  return release;
}

/** A release whose upgrade has failed because of an object that cannot be applied. */
async function failedUpgrade(name: string): Promise<void> {
  const one = await installed(bed, of(name, [configMap(`${name}-a`, { x: '1' })]));
  const bad = without(deployment(name), 'spec.selector');
  const objects = [configMap(`${name}-a`, { x: '2' }), configMap(`${name}-b`), bad];
  await expect(upgraded(bed, one, of(name, objects))).rejects.toThrow('apply failed');
}

test('a rollback brings back the earlier revision as a new one, and deletes what that one lacks', async () => {
  await failedUpgrade('back');
  const to = await stored('back', 1);
  const release = await rolledBack(to, await stored('back', 2));
  expect(release).toMatchObject({ version: 3, manifest: to.manifest, chart: to.chart });
  expect(release.info).toMatchObject({ rollback_revision: 1, status: 'deployed' });
  expect(await bed.find('v1', 'ConfigMap', 'back-a')).toHaveProperty('data', { x: '1' });
  expect(await bed.find('v1', 'ConfigMap', 'back-b')).toBeUndefined();
  expect(await historyOf('back')).toEqual([
    [1, 'superseded', 'Install complete'],
    [2, 'failed', expect.stringMatching(/^Upgrade "back" failed: /)],
    [3, 'deployed', 'Rollback to 1'],
  ]);
  const [last] = JSON.parse(await bed.helm('history', 'back', '--max', '1', '--output', 'json'));
  expect(last).toMatchObject({ revision: 3, status: 'deployed', description: 'Rollback to 1' });
});

describe('the way of applying', () => {
  test.each([
    { asked: 'auto', used: 'ssa' },
    { asked: 'disabled', used: 'csa' },
    { asked: 'enabled', used: 'ssa' },
  ] as const)('is $used when it is $asked', async ({ asked, used }) => {
    const name = `way-${asked}`;
    await failedUpgrade(name);
    const [to, last] = [await stored(name, 1), await stored(name, 2)];
    const release = await rolledBack(to, last, { serverSideApply: asked });
    expect(release.apply_method).toBe(used);
    expect(await bed.find('v1', 'ConfigMap', `${name}-a`)).toHaveProperty('data', { x: '1' });
  });
});

describe('a failed rollback', () => {
  test('is recorded, and counts as a mixture of both revisions', async () => {
    await failedUpgrade('worse');
    const to = await stored('worse', 1);
    const bad = { ...to, manifest: (await stored('worse', 2)).manifest };
    await expect(rolledBack(bad, await stored('worse', 2))).rejects.toMatchObject({ stored: true });
    expect((await historyOf('worse')).map(([, status]) => status)).toEqual([
      'deployed',
      'superseded',
      'failed',
    ]);
    expect((await historyOf('worse'))[2]?.[2]).toMatch(/^Rollback "worse" failed: Deployment/);
  });

  test('because of objects that do not get ready says so in the words of Helm', async () => {
    const name = 'unready';
    await failedUpgrade(name);
    const manifest = of(name, [deployment(name, 1, 'pending')]).manifest;
    const to = { ...(await stored(name, 1)), manifest };
    const last = await stored(name, 2);
    await expect(rolledBack(to, last, { timeoutMs: 500 })).rejects.toThrow('timeout after 500ms');
    expect((await historyOf(name))[2]?.[2]).toMatch(/^Release "unready" failed: timeout/);
  });

  test('of a hook does not stay pending', async () => {
    await failedUpgrade('hooked');
    const broken = hook(without(deployment('hooked-hook'), 'spec.selector'), ['pre-rollback']);
    const to = { ...(await stored('hooked', 1)), hooks: [broken] };
    await expect(rolledBack(to, await stored('hooked', 2))).rejects.toThrow(
      'hook pre-rollback web/templates/hooked-hook.yaml failed',
    );
    expect((await stored('hooked', 3)).info.status).toBe('failed');
  });
});
