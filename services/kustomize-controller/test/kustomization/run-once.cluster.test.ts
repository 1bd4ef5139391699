import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource } from '@sluice/shared/kube';
import { finishJob, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, configMaps, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const jobs: ApiResource = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};

function job(image: string): string {
  const containers = [{ name: 'main', image }];
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate' },
    spec: {
      ttlSecondsAfterFinished: 0,
      template: { spec: { restartPolicy: 'Never', containers } },
    },
  });
}

const key = () => ({ namespace: bed.namespace, name: 'migrate' });

async function publish(revision: string, image: string, wait = true): Promise<void> {
  const files = { 'job.yaml': job(image), 'a.yaml': configMap('beside', { revision }) };
  await bed.publish(files, revision);
  if (wait) await bed.ready(revision);
}

/** Lets the Job succeed, after which the cluster removes it. */
async function succeed(): Promise<void> {
  await finishJob(bed.client, key());
  await untilGone(bed.client, jobs, key());
}

/** Whatever drift there is has been seen once that of another object, made later, is corrected. */
async function isLeftAlone(): Promise<void> {
  const beside = { namespace: bed.namespace, name: 'beside' };
  const { metadata } = await bed.client.get(configMaps, beside);
  await bed.client.delete(configMaps, beside);
  await until(bed.client, configMaps, beside, (o) => o.metadata.uid !== metadata.uid);
  await bed.event((e) => e.message === `ConfigMap/${bed.namespace}/beside deleted; created again`);
  await expect(bed.client.get(jobs, key())).rejects.toMatchObject({ status: 404 });
}

test('a Job that removes itself runs once for each change of its spec', async () => {
  await publish('r1', 'example.com/migrate:1', false);
  await bed.apply({ wait: true });
  await succeed();
  const { status } = await bed.ready('r1');
  const entry = status?.inventory?.entries.find(({ id }) => id.endsWith('_batch_Job'));
  expect(entry?.digest).toMatch(/^sha256:/);
  await isLeftAlone();

  await publish('r2', 'example.com/migrate:1');
  await expect(bed.client.get(jobs, key())).rejects.toMatchObject({ status: 404 });
  await bed.restart();
  await publish('r3', 'example.com/migrate:1');
  await expect(bed.client.get(jobs, key())).rejects.toMatchObject({ status: 404 });

  await publish('r4', 'example.com/migrate:2', false);
  await succeed();
  await bed.ready('r4');
});

test('a Job that somebody deletes before it has ended is made again', async () => {
  await publish('r5', 'example.com/migrate:3', false);
  const { metadata } = await until<KubeObject>(bed.client, jobs, key(), () => true);
  await bed.client.delete(jobs, key(), { propagation: 'Background' });
  await until(bed.client, jobs, key(), (o) => o.metadata.uid !== metadata.uid);
});
