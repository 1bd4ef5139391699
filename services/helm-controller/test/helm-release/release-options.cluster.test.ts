import { randomBytes } from 'node:crypto';
import { coreResources } from '@sluice/shared/kube';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart, unobserved } from './charts.ts';
import { type Bed, chart, conditionOf, startBed } from './harness.ts';
import { isApplied } from './is-applied.ts';

const { namespaces } = coreResources;
let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

test('only so many records are kept as spec.maxHistory says', async () => {
  await bed.apply({ maxHistory: 2, values: { text: '1' } }, 'kept');
  for (const text of ['2', '3', '4']) {
    await bed.ready('1.0.0', 'kept');
    await bed.patch({ values: { text } }, 'kept');
  }
  await bed.ready('1.0.0', 'kept');
  const history = JSON.parse(await bed.helm('history', 'kept', '-o', 'json'));
  expect(history).toMatchObject([{ revision: 3 }, { revision: 4 }]);
});

test('nothing is waited for when that is disabled', async () => {
  const spec = { values: { pending: true }, timeout: '1h' };
  const disableWait = true;
  await bed.apply({ ...spec, install: { disableWait }, upgrade: { disableWait } }, 'unwaited');
  await bed.ready('1.0.0', 'unwaited');
  await bed.patch({ values: { text: 'new' } }, 'unwaited');
  const object = await bed.ready('1.0.0', 'unwaited');
  expect(object.status?.history).toMatchObject([{ version: 2 }, { version: 1 }]);
});

test('objects are awaited by the rules of the strategy', async () => {
  await bed.publish(chart('1.0.0', { 'templates/child.yaml': unobserved }), '1.0.0', 'parent');
  const chartRef = { kind: 'ExternalArtifact', name: 'parent' } as const;
  await bed.apply({ chartRef, timeout: '1s' }, 'poller');
  const failed = await bed.failed('InstallFailed', 'poller');
  expect(conditionOf(failed)?.message).toMatch(
    /timeout after 1s waiting for: \[HelmRelease\/.*poller-child status: 'InProgress'/,
  );
  await bed.apply({ chartRef, timeout: '1h', waitStrategy: { name: 'legacy' } }, 'legacy');
  await bed.ready('1.0.0', 'legacy');
  await bed.apply(
    { values: { pending: true }, timeout: '1s', waitStrategy: { name: 'legacy' } },
    'unready',
  );
  const unready = await bed.failed('InstallFailed', 'unready');
  expect(conditionOf(unready)?.message).toContain('timeout after 1s waiting for: [Deployment/');
});

test('what a failed upgrade has created is deleted when that is asked for', async () => {
  const more = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-${name} }\n`;
  for (const [name, cleanupOnFail] of [
    ['cleaned', true],
    ['left', false],
  ] as const) {
    await bed.publish(fragileChart(), '1.0.0', name);
    const chartRef = { kind: 'ExternalArtifact', name } as const;
    await bed.apply({ chartRef, upgrade: { cleanupOnFail } }, name);
    await bed.ready('1.0.0', name);
    await bed.publish(fragileChart('1.1.0', { 'templates/new.yaml': more('new') }), '1.1.0', name);
    await bed.ready('1.1.0', name);
    await bed.patch({ values: { refused: true } }, name);
    await bed.publish(
      fragileChart('1.2.0', {
        'templates/new.yaml': more('new'),
        'templates/newer.yaml': more('newer'),
      }),
      '1.2.0',
      name,
    );
    await bed.when(
      (object) =>
        conditionOf(object, 'Stalled') !== undefined &&
        object.status?.lastAttemptedRevision === '1.2.0',
      name,
    );
    expect(await isApplied(bed, `${name}-new`)).toBe(true);
    expect(await isApplied(bed, `${name}-newer`)).toBe(!cleanupOnFail);
  }
});

test('a release that no Secret can hold is refused before anything is applied', async () => {
  const huge = { 'files/huge.bin': randomBytes(1_200_000).toString('base64') };
  await bed.publish(chart('1.0.0', huge), '1.0.0', 'huge');
  const targetNamespace = `${bed.namespace}-huge`;
  await bed.apply(
    {
      chartRef: { kind: 'ExternalArtifact', name: 'huge' },
      targetNamespace,
      storageNamespace: bed.namespace,
      releaseName: 'huge',
      install: { createNamespace: true },
    },
    'huge',
  );
  const object = await bed.when((one) => conditionOf(one, 'Stalled') !== undefined, 'huge');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'ReleaseTooLarge' });
  expect(conditionOf(object)?.message).toMatch(/takes \d+ bytes.*split the chart/);
  expect(object.status?.history ?? []).toEqual([]);
  await expect(bed.client.get(namespaces, { name: targetNamespace })).rejects.toMatchObject({
    status: 404,
  });

  await bed.publish(chart('1.0.1'), '1.0.1', 'huge');
  await bed.ready('1.0.1', 'huge');
});
