import { finishJob } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, configMaps, startBed } from './harness.ts';

const job = `{{ if .Values.job }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}
spec:
  template:
    metadata:
      annotations: { test.sluice.dev/behaviour: pending }
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: test }]
{{ end }}
`;

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--concurrent=2']);
  await bed.publish(fragileChart('1.0.0', { 'templates/job.yaml': job }));
});
afterAll(() => bed.stop());

/** Far longer than the test may take. */
const timeout = '1h';

const waits = (name: string) =>
  bed.when((object) => conditionOf(object, 'Reconciling')?.reason === 'Progressing', name);

test('a release whose wait is over comes before those that have not begun', async () => {
  const { client, namespace } = bed;
  await bed.apply({ values: { job: true }, timeout }, 'begun');
  await waits('begun');
  const others = Array.from({ length: 40 }, (_, at) => `later-${at}`);
  await Promise.all(others.map((name) => bed.apply({}, name)));
  await finishJob(client, { namespace, name: 'begun' });

  const begun = await bed.ready('1.0.0', 'begun');
  await Promise.all(others.map((name) => bed.ready('1.0.0', name)));
  const created = others.map(async (name) => {
    const { metadata } = await client.get(configMaps, { namespace, name });
    return Number(metadata.resourceVersion);
  });
  const before = Number(begun.metadata.resourceVersion);
  const later = (await Promise.all(created)).filter((version) => version > before);
  expect(later.length).toBeGreaterThan(others.length / 2);
});

test('releases that wait or fail delay no other one', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `slow-${index}`);
  await Promise.all(
    names.map((name, index) =>
      index % 2 === 0
        ? bed.apply({ values: { pending: true }, timeout }, name)
        : bed.apply({ values: { refused: true }, install: { remediation: { retries: -1 } } }, name),
    ),
  );
  await Promise.all(names.filter((_, index) => index % 2 === 0).map(waits));
  await bed.apply({}, 'quick');
  await bed.ready('1.0.0', 'quick');
  for (const name of names) expect(conditionOf(await bed.get(name))?.status).not.toBe('True');
});
