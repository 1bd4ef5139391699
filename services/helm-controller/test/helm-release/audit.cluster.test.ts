import {
  type AuditRecord,
  type KubeObject,
  overridePlanAnnotation,
  overrideReasonAnnotation,
} from '@sluice/shared/api';
import { createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { isNotFound } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say, untilHeld } from './change/changes.ts';
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

test('what is decided about a release is recorded once each, before it is carried out', async () => {
  const name = 'decided';
  const waits = ['plan noted (undefined)', 'hold noted (undefined)'];
  await bed.publish(chart('1.0.0'));
  await bed.apply({ values: { text: 'tops3cret-1' }, changePolicy: { mode: 'Approve' } }, name);
  const { status } = await untilHeld(bed, { reason: 'Approval', name });
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, name);
  await bed.when((object) => object.status?.lastHandledReconcileAt === 'now', name);
  expect(said(name)).toEqual(waits);
  const plan = status?.plan?.digest;
  await say(bed, name, { digest: plan, decision: 'Reject', user: 'joe' });
  await untilHeld(bed, { reason: 'Rejected', name });
  const rejected = [...waits, 'rejection noted (undefined)'];
  expect(said(name)).toEqual(rejected);
  // Another person, and the same one again.
  for (const [user, count] of [
    ['ann', 2],
    ['joe', 3],
  ] as const) {
    await say(bed, name, { digest: plan, decision: 'Reject', user });
    await bed.when((object) => object.status?.plan?.rejections?.length === count, name);
    rejected.push('rejection noted (undefined)');
    const at = `asked-${count}`;
    await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': at }, name);
    await bed.when((object) => object.status?.lastHandledReconcileAt === at, name);
    expect(said(name)).toEqual(rejected);
    expect(of(name).at(-1)?.record).toMatchObject({ who: { users: [user] }, what: { plan } });
  }

  await bed.annotate(
    { [overridePlanAnnotation]: plan ?? '', [overrideReasonAnnotation]: 'outage 7' },
    name,
  );
  await bed.ready('1.0.0', name);
  const installed = [
    ...rejected,
    'override noted (undefined)',
    'install begins (undefined)',
    'install ended succeeded (tops3cret-1)',
  ];
  expect(said(name)).toEqual(installed);
  const override = of(name)[rejected.length];
  expect(override?.record).toMatchObject({
    revision: '1.0.0',
    what: { plan },
    why: { mode: 'Approve', text: 'outage 7' },
  });

  await bed.patch({ values: { text: 'tops3cret-2' } }, name);
  const next = await untilHeld(bed, { reason: 'Approval', name, not: plan });
  await say(bed, name, { digest: next.status?.plan?.digest, user: 'jane' });
  await bed.when((object) => object.status?.history?.[0]?.version === 2, name);
  await bed.ready('1.0.0', name);
  expect(said(name).slice(installed.length)).toEqual([
    'plan noted (tops3cret-1)',
    'hold noted (tops3cret-1)',
    'approval noted (tops3cret-1)',
    'upgrade begins (tops3cret-1)',
    'upgrade ended succeeded (tops3cret-2)',
  ]);
  const [planned, , approval] = of(name).slice(installed.length);
  expect(planned?.record.what?.objects).toMatchObject([
    { action: 'change', fields: ['data.text'] },
  ]);
  expect(approval?.record.who.users).toEqual(['jane']);
  expect(JSON.stringify(of(name).map(({ record }) => record))).not.toContain('tops3cret');
});
