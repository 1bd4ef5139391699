import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type HelmRelease,
  type Kustomization,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { temporaryFolder, toolPath, until } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleClient } from '../../../../tools/bundle/bundle.ts';
import { targetResources } from '../../src/target/target.ts';
import {
  type CliBed,
  createHelmRelease,
  createKustomization,
  digestA,
  digestB,
  readyStatus,
  startCliBed,
} from '../cli-bed.ts';

let bed: CliBed;
beforeAll(async () => {
  bed = await startCliBed();
});

const why = ['--reason', 'incident 7'];
const policy = { changePolicy: { rollback: 'LastHealthy' } };
const change = {
  digest: digestA,
  revision: 'main@sha1:new',
  healthy: digestA,
  healthyRevision: 'main@sha1:new',
  healthySnapshot: digestA,
  previous: digestB,
  previousRevision: 'main@sha1:old',
  previousSnapshot: digestB,
};
const entry = (version: number, status: string, more: object = {}) => ({
  apiVersion: 'v2',
  digest: digestA,
  name: 'db',
  namespace: 'data',
  version,
  status,
  chartName: 'postgres',
  chartVersion: `${version}.0.0`,
  configDigest: digestA,
  firstDeployed: '2026-02-01T10:00:00Z',
  lastDeployed: '2026-02-01T10:00:00Z',
  ...more,
});

const createChanged = (name: string) =>
  createKustomization(bed, { name, spec: policy, status: { ...readyStatus, change } });

const get = (kind: 'Kustomization' | 'HelmRelease', name: string) =>
  bed.client.get<Kustomization | HelmRelease>(targetResources[kind], {
    namespace: bed.namespace,
    name,
  });

/** Answers a request as a controller does; returns the annotations that made it. */
async function answer(
  kind: 'Kustomization' | 'HelmRelease',
  name: string,
  { rollback: said, ...status }: { rollback?: object; [field: string]: unknown },
) {
  const key = { namespace: bed.namespace, name };
  const { metadata } = await until<Kustomization>(
    bed.client,
    targetResources[kind],
    key,
    (object) => Boolean(object.metadata.annotations?.[rollbackRequestAnnotation]),
  );
  const { annotations = {} } = metadata;
  const requestedAt = annotations[rollbackRequestAnnotation];
  const rollback = { requestedAt, result: 'Accepted', message: 'It goes back', ...said };
  await bed.client.patch(
    targetResources[kind],
    key,
    { status: { lastHandledReconcileAt: requestedAt, ...status, rollback } },
    { type: 'merge', subresource: 'status' },
  );
  return annotations;
}

const back = {
  held: { reason: 'RolledBack' },
  change: { digest: digestB, revision: 'old', refused: digestA },
};

describe('rollback', () => {
  test('shows from where to where, asks the controller, and waits for it', async () => {
    await createChanged('web');
    const [run, annotations] = await Promise.all([
      bed.run(['rollback', 'ks', 'web', ...why], { answer: 'y' }),
      answer('Kustomization', 'web', back),
    ]);
    expect(run).toEqual({
      code: 0,
      out: `Kustomization ${bed.namespace}/web is back at revision main@sha1:old\n`,
      notes: [
        `Kustomization ${bed.namespace}/web goes back`,
        '  from revision main@sha1:new, which is not applied again until something changes',
        '  to   revision main@sha1:old',
        'Go back? [y/N] \n',
      ].join('\n'),
    });
    expect(annotations).toEqual({
      [rollbackRequestAnnotation]: '2026-03-01T12:00:00.000Z',
      [rollbackFromAnnotation]: digestA,
      [rollbackReasonAnnotation]: 'incident 7',
      [rollbackByAnnotation]: expect.any(String),
      'reconcile.fluxcd.io/requestedAt': '2026-03-01T12:00:00.000Z',
    });
  });

  test('names the releases of a HelmRelease, and prints JSON', async () => {
    const history = [entry(3, 'deployed'), entry(2, 'failed'), entry(1, 'superseded')];
    await createHelmRelease(bed, { name: 'db', status: { ...readyStatus, history } });
    const [{ code, out, notes }, annotations] = await Promise.all([
      bed.run(['rollback', 'hr', 'db', ...why, '--yes', '-o', 'json']),
      answer('HelmRelease', 'db', { ...back, history }),
    ]);
    expect({ code, notes }).toMatchObject({
      code: 0,
      notes: expect.stringMatching(
        /from data\/db\.v3 with chart postgres@3\.0\.0,.*\n +to +data\/db\.v1 with chart postgres@1\.0\.0\n$/,
      ),
    });
    expect(JSON.parse(out)).toMatchObject({
      kind: 'HelmRelease',
      rollback: { result: 'Accepted' },
    });
    expect(annotations[rollbackFromAnnotation]).toBe('data/db.v3');
  });

  test('ends with 1 when the controller refuses, or cannot apply what was there before', async () => {
    await createChanged('refused');
    const [refused] = await Promise.all([
      bed.run(['rollback', 'ks', 'refused', ...why, '--yes']),
      answer('Kustomization', 'refused', {
        rollback: { result: 'Refused', message: 'it would delete\u001b[31m too much' },
      }),
    ]);
    expect(refused.code).toBe(1);
    expect(refused.notes).toMatch(
      /flux-sluice: Kustomization .*\/refused: it would delete too much\n$/,
    );
    await createChanged('broken');
    const conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ReconciliationFailed',
        message: 'quota exceeded',
        lastTransitionTime: '2026-02-01T10:00:00Z',
      },
    ];
    const [broken] = await Promise.all([
      bed.run(['rollback', 'ks', 'broken', ...why, '--yes']),
      answer('Kustomization', 'broken', { change: { refused: digestA }, conditions }),
    ]);
    expect(broken.code).toBe(1);
    expect(broken.notes).toMatch(/did not go back, which is tried again: quota exceeded\n$/);
  });

  test('ends with 1 when nobody answers in time', async () => {
    await createChanged('alone');
    const { code, notes } = await bed.run([
      'rollback',
      'ks',
      'alone',
      ...why,
      '-y',
      '--timeout',
      '1s',
    ]);
    expect(code).toBe(1);
    expect(notes).toMatch(/timed out after 1000 ms waiting for the rollback, which goes on/);
  });

  test('does nothing without a reason, a terminal or a yes', async () => {
    await createChanged('still');
    const cases = [
      { args: ['--yes'], says: 'rollback needs --reason' },
      {
        args: ['--yes', '--reason', 'x'.repeat(501)],
        says: '--reason has 501 characters, and 500',
      },
      { args: why, says: 'confirm with --yes' },
      { args: [...why, '--yes', '--timeout', 'soon'], says: "--timeout 'soon'" },
      { args: [...why, '--yes', '--timeout', '0s'], says: "--timeout '0s'" },
      { args: why, answer: 'n', says: 'Nothing was rolled back.' },
    ];
    for (const { args, says, answer: said } of cases) {
      const { code, notes } = await bed.run(['rollback', 'ks', 'still', ...args], {
        ...(said && { answer: said }),
      });
      expect({ code, notes }).toEqual({ code: 1, notes: expect.stringContaining(says) });
    }
    expect((await get('Kustomization', 'still')).metadata.annotations).toBeUndefined();
  });

  const hopeless = [
    { name: 'free', spec: {}, status: {}, says: 'set spec.changePolicy.rollback to LastHealthy' },
    {
      name: 'asleep',
      spec: { ...policy, suspend: true },
      status: { change },
      says: 'is suspended',
    },
    {
      name: 'planned',
      spec: { changePolicy: { mode: 'Plan' } },
      status: { change },
      says: 'spec.changePolicy.mode is Plan',
    },
    {
      name: 'first',
      spec: policy,
      status: { change: { digest: digestA, revision: 'r1', healthy: digestA } },
      says: 'no change before revision r1 was healthy and kept',
    },
    {
      name: 'large',
      spec: policy,
      status: { change: { ...change, previousSnapshot: null } },
      says: 'no Snapshot of revision main@sha1:old is kept',
    },
  ];

  test.each(hopeless)(
    'writes nothing to $name, and says why',
    async ({ name, spec, status, says }) => {
      await createKustomization(bed, { name, spec, status: { ...readyStatus, ...status } });
      const { code, notes } = await bed.run(['rollback', 'ks', name, ...why, '--yes']);
      expect({ code, notes }).toEqual({ code: 1, notes: expect.stringContaining(says) });
      expect((await get('Kustomization', name)).metadata.annotations).toBeUndefined();
    },
  );

  const releases = [
    { name: 'none', status: {}, says: 'nothing was released yet' },
    { name: 'single', status: { history: [entry(1, 'deployed')] }, says: 'no good release before' },
    {
      name: 'undone',
      status: { history: [entry(2, 'deployed'), entry(1, 'superseded')], held: back.held },
      says: 'it is gone back already, to data/db.v2',
    },
    {
      name: 'waiting',
      status: { history: [entry(2, 'deployed')], held: { reason: 'Window' } },
      says: 'another change waits (Window)',
    },
  ];

  test.each(releases)('writes nothing to the release $name', async ({ name, status, says }) => {
    await createHelmRelease(bed, { name, status: { ...readyStatus, ...status } });
    const { code, notes } = await bed.run(['rollback', 'hr', name, ...why, '--yes']);
    expect({ code, notes }).toEqual({ code: 1, notes: expect.stringContaining(says) });
    expect((await get('HelmRelease', name)).metadata.annotations).toBeUndefined();
  });
});

describe('as a plugin', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let env: Record<string, string>;
  beforeAll(async () => {
    folder = await temporaryFolder('plugin');
    const { directory } = await bundleClient('flux-sluice', join(folder.path, 'bundle'));
    const plugins = join(folder.path, '.fluxcd', 'plugins');
    await mkdir(plugins, { recursive: true });
    await symlink(join(directory, 'flux-sluice'), join(plugins, 'flux-sluice'));
    await symlink(join(directory, 'kubectl-sluice'), join(plugins, 'kubectl-sluice'));
    env = {
      HOME: folder.path,
      KUBECONFIG: bed.kubeconfigPath,
      PATH: [plugins, dirname(process.execPath)].join(':'),
    };
  });
  afterAll(() => folder?.remove());

  test.each(['flux', 'kubectl'])('of %s, it waits for the controller', async (tool) => {
    const name = `by-${tool}`;
    await createChanged(name);
    const args = ['sluice', 'rollback', 'ks', name, '-n', bed.namespace, ...why, '--yes'];
    const file = toolPath(tool);
    const limits = { timeoutMs: 60_000, maxOutputBytes: 1_000_000 };
    const [{ exitCode, stdout }] = await Promise.all([
      runCommand({ file, args, env, ...limits }),
      answer('Kustomization', name, back),
    ]);
    expect(stdout).toBe(
      `Kustomization ${bed.namespace}/${name} is back at revision main@sha1:old\n`,
    );
    expect(exitCode).toBe(0);
  });
});
