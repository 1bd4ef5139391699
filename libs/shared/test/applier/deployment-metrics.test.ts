import { type Artifact, commitTimeFact, factPrefix, type KubeObject } from '@sluice/shared/api';
import { Registry } from 'prom-client';
import { beforeEach, expect, test } from 'vitest';
import {
  createDeploymentMetrics,
  type DeploymentMetrics,
} from '../../src/applier/deployment-metrics.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => new Date(start + 1000 * seconds).toISOString();

let registry: Registry;
let artifact: Artifact | undefined;
let now: number;
let metrics: DeploymentMetrics;

beforeEach(() => {
  registry = new Registry();
  artifact = artifactOf('one', {});
  now = 0;
  metrics = createDeploymentMetrics(registry, {
    kind: 'Kustomization',
    artifactOf: () => artifact,
    now: () => start + 1000 * now,
  });
});

function artifactOf(digest: string, metadata: Record<string, string>): Artifact {
  return { path: 'p', url: 'u', revision: 'r', digest, lastUpdateTime: at(100), metadata };
}

/** A state of the object: its Ready condition since a second, and the revision that it tried. */
function state(status: string, since: number, revision = 'r1', more: object = {}): KubeObject {
  const conditions = [
    { type: 'Ready', status, reason: 'R', message: '', lastTransitionTime: at(since) },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Kustomization',
    metadata: { namespace: 'apps', name: 'web', uid: '1', creationTimestamp: at(0) },
    status: { conditions, lastAttemptedRevision: revision, ...more },
  } as KubeObject;
}

const fresh = (): KubeObject => {
  const { status: _, ...object } = state('True', 0) as KubeObject & { status: unknown };
  return object;
};

async function figure(name: string, labels: Record<string, string> = {}): Promise<number> {
  const found = await registry.getSingleMetric(name.replace(/_(sum|count)$/, ''))?.get();
  const of = (found?.values ?? []) as { value: number; metricName?: string; labels: object }[];
  return of
    .filter(({ metricName = name }) => metricName === name)
    .filter((one) => Object.entries(labels).every(([k, v]) => Reflect.get(one.labels, k) === v))
    .reduce((sum, { value }) => sum + value, 0);
}

const deployed = (result: string) => figure('sluice_deployments_total', { result });

test('a revision with which the object gets ready counts once, with the time since its commit', async () => {
  artifact = artifactOf('one', { [`${factPrefix}${commitTimeFact}`]: at(40) });
  now = 160;
  metrics.seen(fresh());
  metrics.seen(state('Unknown', 10));
  metrics.seen(state('True', 20));
  metrics.seen(state('True', 20));
  expect(await deployed('succeeded')).toBe(1);
  expect(await figure('sluice_commit_to_ready_seconds_sum')).toBe(120);
  expect(await figure('sluice_commit_to_ready_seconds_count')).toBe(1);
});

test('without the time of the commit, that of the artifact counts, and what is older than the object since then', async () => {
  now = 130;
  metrics.seen(fresh());
  metrics.seen(state('True', 20));
  expect(await figure('sluice_commit_to_ready_seconds_sum')).toBe(30);
  artifact = artifactOf('two', { [`${factPrefix}${commitTimeFact}`]: '1999-01-01T00:00:00Z' });
  metrics.seen(state('True', 20, 'r2'));
  expect(await figure('sluice_commit_to_ready_seconds_sum')).toBe(160);
});

test.each(['no time', '9999-01-01T00:00:00Z'])(
  'a commit that claims the time %j makes no negative figure',
  async (time) => {
    artifact = artifactOf('one', { [`${factPrefix}${commitTimeFact}`]: time });
    now = 90;
    metrics.seen(fresh());
    metrics.seen(state('True', 20));
    expect(await figure('sluice_commit_to_ready_seconds_sum')).toBe(0);
  },
);

test('other values of the same artifact are a deployment, without a time since a commit', async () => {
  metrics.seen(fresh());
  metrics.seen(state('True', 20, 'r1', { lastAttemptedConfigDigest: 'a' }));
  metrics.seen(state('True', 20, 'r1', { lastAttemptedConfigDigest: 'b' }));
  expect(await deployed('succeeded')).toBe(2);
  expect(await figure('sluice_commit_to_ready_seconds_count')).toBe(1);
});

test('a revision that fails counts once, and the time until the object is ready again is told', async () => {
  metrics.seen(fresh());
  metrics.seen(state('True', 10, 'r1'));
  metrics.seen(state('False', 100, 'r2'));
  metrics.seen(state('Unknown', 110, 'r2'));
  metrics.seen(state('False', 120, 'r2'));
  expect(await deployed('failed')).toBe(1);
  metrics.seen(state('True', 400, 'r3'));
  expect(await deployed('succeeded')).toBe(2);
  expect(await figure('sluice_restore_seconds_sum')).toBe(300);
});

test('what was deployed and fails later is no failed change', async () => {
  metrics.seen(fresh());
  metrics.seen(state('True', 10));
  metrics.seen(state('False', 100));
  metrics.seen(state('True', 160));
  expect([await deployed('succeeded'), await deployed('failed')]).toEqual([1, 0]);
  expect(await figure('sluice_restore_seconds_sum')).toBe(60);
});

test('a process counts nothing of what it finds at its start, but knows since when an object fails', async () => {
  metrics.seen(state('False', 100, 'r2'));
  expect(await deployed('failed')).toBe(0);
  metrics.seen(state('True', 150, 'r2'));
  expect(await deployed('succeeded')).toBe(1);
  expect(await figure('sluice_restore_seconds_sum')).toBe(50);
});

test('nothing is left of a deleted object', async () => {
  metrics.seen(fresh());
  metrics.seen(state('True', 10));
  metrics.seen(state('False', 100, 'r2'));
  metrics.seen(state('True', 160, 'r3'));
  metrics.forget('apps/web');
  expect(await registry.metrics()).not.toContain('name="web"');
});

test('what was deployed with success and is gone back from has failed, once', async () => {
  metrics.seen(fresh());
  metrics.seen(state('True', 1));
  const undone = state('False', 2) as KubeObject & { status: { conditions: { reason: string }[] } };
  for (const condition of undone.status.conditions) condition.reason = 'RolledBack';
  metrics.seen(undone);
  metrics.seen(undone);
  expect([await deployed('succeeded'), await deployed('failed')]).toEqual([1, 1]);
  metrics.seen(state('True', 32, 'r2'));
  expect(await figure('sluice_restore_seconds_sum')).toBe(30);
});
