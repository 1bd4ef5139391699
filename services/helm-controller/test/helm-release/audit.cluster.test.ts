import type { AuditRecord, KubeObject } from '@sluice/shared/api';
import { createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { isNotFound } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

let bed: Bed;
/** What was recorded, and what the ConfigMap of the release held then; undefined when it was not there. */
const trail: { record: AuditRecord; text: string | undefined }[] = [];

beforeAll(async () => {
  const sink = {
    async publish(record: AuditRecord) {
      trail.push({ record, text: await textOf(record.object.name) });
    },
  };
  const audit = createAudit({ sink, controllerName: 'helm-controller', logger: silentLogger });
  bed = await startBed([], { audit });
});
afterAll(() => bed.stop());

async function textOf(name: string): Promise<string | undefined> {
  try {
    const key = { namespace: bed.namespace, name };
    const { data } = await bed.client.get<KubeObject & { data?: { text: string } }>(
      configMaps,
      key,
    );
    return data?.text;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const of = (name: string) => trail.filter(({ record }) => record.object.name === name);
const said = (name: string) =>
  of(name).map(({ record: { action, phase, result }, text }) =>
    [action, phase, ...(result ? [result] : []), `(${text})`].join(' '),
  );

test('installs, upgrades and uninstalls are recorded before they begin and when they have ended', async () => {
  await bed.publish(chart('1.0.0'));
  await bed.apply({ values: { text: 'tops3cret-1' } }, 'web');
  await bed.ready('1.0.0', 'web');
  expect(said('web')).toEqual([
    'install begins (undefined)',
    'install ended succeeded (tops3cret-1)',
  ]);

  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, 'web');
  await bed.when((object) => object.status?.lastHandledReconcileAt === 'now', 'web');
  expect(of('web')).toHaveLength(2);

  await bed.patch({ values: { text: 'tops3cret-2' } }, 'web');
  await bed.when((object) => object.status?.history?.[0]?.version === 2, 'web');
  await bed.ready('1.0.0', 'web');
  await bed.remove('web');
  expect(said('web').slice(2)).toEqual([
    'upgrade begins (tops3cret-1)',
    'upgrade ended succeeded (tops3cret-2)',
    'uninstall begins (tops3cret-2)',
    'uninstall ended succeeded (undefined)',
  ]);
  const { what } = of('web')[3]?.record ?? {};
  expect(what?.objects).toMatchObject([{ name: 'web', action: 'changed', fields: ['data.text'] }]);
  expect(JSON.stringify(of('web').map(({ record }) => record))).not.toContain('tops3cret');
});

test('a correction is recorded before it is made, with the paths of the fields', async () => {
  await bed.publish(chart('1.0.0'));
  await bed.apply(
    { values: { text: 'as it should' }, driftDetection: { mode: 'enabled' } },
    'drift',
  );
  await bed.ready('1.0.0', 'drift');
  const key = { namespace: bed.namespace, name: 'drift' };
  const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await bed.client.patch(configMaps, key, { data: { text: 'by hand' } }, byHand);
  await bed.event(
    ({ reason, involvedObject }) => reason === 'DriftCorrected' && involvedObject.name === 'drift',
  );
  expect(said('drift').slice(2)).toEqual(['drift-correction begins (by hand)']);
  expect(of('drift')[2]?.record.what?.objects).toMatchObject([
    {
      kind: 'ConfigMap',
      name: 'drift',
      action: 'change',
      fields: [expect.stringContaining('text')],
    },
  ]);
});
