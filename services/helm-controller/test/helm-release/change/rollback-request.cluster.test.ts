import {
  type AuditRecord,
  type HelmRelease,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { changeDigestOf, createAudit, latestOf, releaseOf } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Bed,
  chart,
  conditionOf,
  configMaps,
  helmReleases,
  secrets,
  startBed,
} from '../harness.ts';
import { say, untilHeld } from './changes.ts';

const trail: AuditRecord[] = [];

let bed: Bed;
beforeAll(async () => {
  const sink = { publish: async (record: AuditRecord) => void trail.push(record) };
  const audit = createAudit({ sink, controllerName: 'helm-controller', logger: silentLogger });
  bed = await startBed([], { audit });
});
afterAll(() => bed.stop());

const at = 'reconcile.fluxcd.io/requestedAt';
const sourceOf = (name: string) => ({
  chartRef: { kind: 'ExternalArtifact' as const, name },
  interval: '10m',
});
const second = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-second
`;
const broken = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "No Name"\n';

const versionOf = async (name: string) => {
  const key = { namespace: bed.namespace, name };
  const object = await bed.client.get<HelmRelease & { data?: Record<string, string> }>(
    configMaps,
    key,
  );
  return object.data?.['version'];
};
const made = ({ status }: HelmRelease) =>
  (status?.history ?? []).map(({ version, status: is, chartVersion, action }) =>
    [version, is, chartVersion, action].join(' '),
  );
const helmHistory = async (name: string) => {
  const entries = JSON.parse(await bed.helm('history', name, '-o', 'json'));
  return entries.map(({ revision, status, chart: of }: Record<string, unknown>) =>
    [revision, status, of].join(' '),
  );
};
const eventsOf = (name: string, reason: string) =>
  bed.events.filter((event) => event.involvedObject.name === name && event.reason === reason);

/** Releases version 1.0.0 and then 2.0.0 of a chart. */
async function released(name: string, spec: object = {}, files: Record<string, string> = {}) {
  await bed.publish(chart('1.0.0'), '1.0.0', name);
  await bed.apply({ ...sourceOf(name), ...spec }, name);
  await bed.ready('1.0.0', name);
  await bed.publish(chart('2.0.0', files), '2.0.0', name);
  return bed.ready('2.0.0', name);
}

interface Asked {
  at?: string;
  from?: string;
  reason?: string;
}

/** Asks for a rollback, and waits for the answer. */
async function ask(object: HelmRelease, o: Asked = {}): Promise<HelmRelease> {
  const { name } = object.metadata;
  const latest = latestOf(object.status?.history ?? []);
  const { at: when = 'one', from = latest ? releaseOf(latest) : '', reason = 'incident 7' } = o;
  await bed.annotate(
    {
      [rollbackRequestAnnotation]: when,
      [rollbackFromAnnotation]: from,
      [rollbackReasonAnnotation]: reason,
      [rollbackByAnnotation]: 'jane',
    },
    name,
  );
  return bed.when(({ status }) => status?.rollback?.requestedAt === when, name);
}

async function again(name: string, when: string) {
  await bed.annotate({ [at]: when }, name);
  return bed.when(({ status }) => status?.lastHandledReconcileAt === when, name);
}

const rolledBack = (name: string) => bed.failed('RolledBack', name);

test('the good release before runs again when somebody asks for it, once, until something new comes', async () => {
  const name = 'asked';
  const object = await released(name, {}, { 'templates/second.yaml': second });
  await ask(object);
  const back = await rolledBack(name);
  assertStatusContract(back);
  const message =
    'Revision 2.0.0 was rolled back by jane (incident 7), and 1.0.0 is applied: it is not tried again until something changes';
  expect(conditionOf(back)?.message).toBe(message);
  expect(conditionOf(back, 'Remediated')).toMatchObject({
    status: 'True',
    reason: 'RollbackSucceeded',
  });
  expect(back.status?.held?.reason).toBe('RolledBack');
  expect(back.status?.rollback).toEqual({ requestedAt: 'one', result: 'Accepted', message });
  expect(made(back)).toEqual([
    '3 deployed 1.0.0 rollback',
    '2 superseded 2.0.0 upgrade',
    '1 superseded 1.0.0 install',
  ]);
  expect(await helmHistory(name)).toEqual([
    '1 superseded web-1.0.0',
    '2 superseded web-2.0.0',
    '3 deployed web-1.0.0',
  ]);
  expect(await versionOf(name)).toBe('1.0.0');
  expect(back.status?.inventory?.entries).toHaveLength(1);
  expect(eventsOf(name, 'RolledBack')).toMatchObject([{ severity: 'error', message }]);
  const of = trail.filter(
    ({ action, object: { name: of } }) => action === 'rollback' && of === name,
  );
  expect(of.map(({ phase, result }) => `${phase} ${result ?? ''}`)).toEqual([
    'noted ',
    'begins ',
    'ended succeeded',
  ]);
  expect(of[0]).toMatchObject({
    who: { users: ['jane'] },
    what: { before: object.status?.history?.[0]?.digest },
    why: { text: 'incident 7' },
  });

  await again(name, 'two');
  await bed.restart();
  const still = await again(name, 'three');
  expect(conditionOf(still)?.message).toBe(message);
  expect(made(still)).toHaveLength(3);
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
  const more = await ask(still, { at: 'more' });
  expect(more.status?.rollback?.message).toMatch(/it is gone back already, to .*\.v3 with chart/);

  await bed.publish(chart('3.0.0'), '3.0.0', name);
  const third = await bed.ready('3.0.0', name);
  expect(third.status).not.toHaveProperty('held');
  expect(third.status?.change).not.toHaveProperty('refused');
  expect(conditionOf(third, 'Remediated')).toBeUndefined();
  await bed.publish(chart('2.0.0', { 'templates/second.yaml': second }), '2.0.0', name);
  await bed.ready('2.0.0', name);
});

test('a failed release is gone back from, also when its retries are used up', async () => {
  const name = 'failed';
  await bed.publish(chart('1.0.0'), '1.0.0', name);
  await bed.apply(sourceOf(name), name);
  await bed.ready('1.0.0', name);
  await bed.publish(chart('2.0.0', { 'templates/broken.yaml': broken }), '2.0.0', name);
  const object = await bed.when(({ status }) => status?.history?.[0]?.status === 'failed', name);
  await ask(object);
  const back = await rolledBack(name);
  expect(made(back)[0]).toBe('3 deployed 1.0.0 rollback');
  expect(await versionOf(name)).toBe('1.0.0');
  const still = await again(name, 'two');
  expect(conditionOf(still)).toMatchObject({ status: 'False', reason: 'RolledBack' });
  expect(conditionOf(still, 'Stalled')).toBeUndefined();
});

test('common metadata is gone back from as well, though chart and values are the same', async () => {
  const name = 'labels';
  await bed.publish(chart('1.0.0'), '1.0.0', name);
  await bed.apply(sourceOf(name), name);
  await bed.ready('1.0.0', name);
  await bed.patch({ commonMetadata: { labels: { team: 'a' } } }, name);
  const object = await bed.when(({ status }) => status?.history?.[0]?.version === 2, name);
  await ask(object);
  const back = await rolledBack(name);
  expect(made(back)[0]).toBe('3 deployed 1.0.0 rollback');
  const still = await again(name, 'two');
  expect(made(still)[0]).toBe('3 deployed 1.0.0 rollback');
  const { metadata } = await bed.client.get(configMaps, { namespace: bed.namespace, name });
  expect(metadata.labels).not.toHaveProperty('team');
});

test('what was there before is no change when the source says it again', async () => {
  const name = 'forth';
  await ask(await released(name));
  await rolledBack(name);
  await bed.publish(chart('1.0.0'), '1.0.0', name);
  const ready = await bed.when(({ status, metadata }) => {
    const isSettled = status?.observedGeneration === metadata.generation;
    return isSettled && status?.held === undefined && status?.change?.refused === undefined;
  }, name);
  expect(made(ready)[0]).toBe('3 deployed 1.0.0 rollback');
  expect(conditionOf(ready)?.status).toBe('True');
});

test('a request that was noted is carried out by the next process', async () => {
  const name = 'cut';
  const object = await released(name, { changePolicy: { pruneGuard: { maxObjects: 9 } } });
  await bed.patch({ suspend: true }, name);
  await bed.restart();
  // What a process leaves behind that dies before it has begun.
  const { client, namespace } = bed;
  const key = { namespace, name };
  const digest = changeDigestOf([`${namespace}/${name}`, `${namespace}/${name}.v1`]);
  const status = {
    change: {
      digest,
      revision: '1.0.0',
      healthy: digest,
      healthyRevision: '1.0.0',
      refused: object.status?.change?.digest,
      refusedBy: 'jane',
      refusedReason: 'incident 7',
    },
    rollback: { requestedAt: 'one', result: 'Accepted', message: 'noted' },
  };
  await client.patch(helmReleases, key, { status }, { type: 'merge', subresource: 'status' });
  await bed.annotate({ [rollbackRequestAnnotation]: 'one' }, name);
  await bed.patch({ suspend: false }, name);
  const back = await rolledBack(name);
  expect(made(back)[0]).toBe('3 deployed 1.0.0 rollback');
  expect(conditionOf(back)?.message).toMatch(/^Revision 2\.0\.0 was rolled back by jane/);
});

describe('a request that cannot be met is refused with the fix, and nothing is done', () => {
  async function refused(object: HelmRelease, why: RegExp, o: Asked = {}) {
    const { name } = object.metadata;
    const answered = await ask(object, o);
    expect(answered.status?.rollback?.result).toBe('Refused');
    expect(answered.status?.rollback?.message).toMatch(why);
    const settled = await again(name, `after ${o.at ?? 'one'}`);
    expect(made(settled)).toEqual(made(object));
    expect(eventsOf(name, 'RollbackRefused').at(-1)?.message).toMatch(why);
  }

  test('there is no release before, the request is stale, has no reason, or the mode is Plan', async () => {
    const name = 'wrong';
    await bed.publish(chart('1.0.0'), '1.0.0', name);
    await bed.apply(sourceOf(name), name);
    const object = await bed.ready('1.0.0', name);
    await refused(object, /no good release before .*\/wrong\.v1 with chart web@1\.0\.0/, {
      at: 'a',
    });
    await refused(object, /is applied by now: look again$/, { at: 'b', from: 'x/wrong.v7' });
    await refused(object, /it has no reason/, { at: 'c', reason: ' ' });
    await bed.patch({ changePolicy: { mode: 'Plan' } }, name);
    await again(name, 'planned');
    await refused(object, /mode is Plan/, { at: 'd' });
  });

  test('another change waits', async () => {
    const name = 'waits';
    const object = await released(name);
    await bed.patch({ changePolicy: { mode: 'Approve' } }, name);
    await bed.publish(chart('3.0.0'), '3.0.0', name);
    const held = await untilHeld(bed, { reason: 'Approval', name });
    await refused(object, /another change waits \(Approval\).*change the source instead/);
    await say(bed, name, { digest: held.status?.plan?.digest, decision: 'Reject' });
    await untilHeld(bed, { reason: 'Rejected', name });
  });

  test('it would delete more than the guard allows', async () => {
    const name = 'guard';
    const spec = { changePolicy: { pruneGuard: { maxObjects: 0 } } };
    const object = await released(name, spec, { 'templates/second.yaml': second });
    await refused(object, /it would delete 1 of 2 objects, .*maxObjects is 0/);
    await bed.patch({ changePolicy: { pruneGuard: { maxObjects: 1 } } }, name);
    await again(name, 'raised');
    await ask(object, { at: 'more' });
    await rolledBack(name);
  });

  test('the record of the former release is gone', async () => {
    const name = 'lost';
    const object = await released(name);
    const { client, namespace } = bed;
    await client.delete(secrets, { namespace, name: `sh.helm.release.v1.${name}.v1` });
    await refused(object, /the record of .*\/lost\.v1 is gone, or was changed/);
  });
});
