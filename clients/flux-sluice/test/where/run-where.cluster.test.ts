import { apiVersionOf, gitRepositoryKind, type KubeObject } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { tenantAccount } from '@sluice/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CliBed,
  createHelmRelease,
  createKustomization,
  readyStatus,
  startCliBed,
} from '../cli-bed.ts';

const oldCommit = '1111111d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c';
const newCommit = '2222222d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c';
const times = { lastReconciledDuration: '1s', totalReconciliations: 3 };
const entry = (revision: string, hour: string) => ({
  digest: `sha256:${'1'.repeat(64)}`,
  firstReconciled: `2026-02-01T${hour}:00:00Z`,
  lastReconciled: `2026-02-01T${hour}:30:00Z`,
  lastReconciledStatus: 'ReconciliationSucceeded',
  metadata: { revision },
  ...times,
});
const oldRevision = `main@sha1:${oldCommit}`;
const newRevision = `main@sha1:${newCommit}`;

let bed: CliBed;

async function createSource(namespace: string): Promise<void> {
  const resource = resourceOf(gitRepositoryKind);
  const source = await bed.client.create<KubeObject>(resource, {
    apiVersion: apiVersionOf(gitRepositoryKind),
    kind: 'GitRepository',
    metadata: { name: 'fleet', namespace },
    spec: { url: 'https://git.example/fleet', interval: '1h' },
  } as KubeObject);
  const artifact = {
    revision: newRevision,
    digest: `sha256:${'0'.repeat(64)}`,
    lastUpdateTime: '2026-02-01T12:00:00Z',
    path: 'x',
    url: 'http://source.example/x',
  };
  const patch = { type: 'merge', subresource: 'status' } as const;
  await bed.client.patch(resource, source.metadata, { status: { artifact } }, patch);
}

beforeAll(async () => {
  bed = await startCliBed();
  await createSource(bed.namespace);
  await createKustomization(bed, {
    name: 'moved',
    status: {
      ...readyStatus,
      lastAppliedRevision: newRevision,
      history: [entry(newRevision, '12'), entry(oldRevision, '10')],
    },
  });
  await createKustomization(bed, {
    name: 'behind',
    status: {
      ...readyStatus,
      lastAppliedRevision: oldRevision,
      history: [entry(oldRevision, '10')],
      held: { reason: 'Window' },
    },
  });
  await createKustomization(bed, {
    name: 'elsewhere',
    spec: { sourceRef: { kind: 'GitRepository', name: 'other' } },
    status: { ...readyStatus, lastAppliedRevision: `main@sha1:${'3'.repeat(40)}` },
  });
  await createKustomization(bed, { name: 'fresh' });
  const release = {
    digest: `sha256:${'5'.repeat(64)}`,
    name: 'db',
    namespace: bed.namespace,
    version: 1,
    chartName: 'db',
    configDigest: `sha256:${'6'.repeat(64)}`,
    firstDeployed: '2026-02-01T08:00:00Z',
  };
  await createHelmRelease(bed, {
    name: 'db',
    status: {
      history: [
        {
          ...release,
          version: 2,
          status: 'deployed',
          chartVersion: '1.2.0+2222222d9e8a',
          lastDeployed: '2026-02-01T12:01:00Z',
        },
        {
          ...release,
          status: 'superseded',
          chartVersion: '1.1.0',
          lastDeployed: '2026-02-01T08:00:00Z',
        },
      ],
    },
  });
});

describe('where', () => {
  test('lists what runs a commit, since when, and what does not yet, and ends with 2', async () => {
    const { code, out } = await bed.run(['where', newCommit.slice(0, 8), '-n', bed.namespace]);
    expect(code).toBe(2);
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(['NAMESPACE', 'KIND', 'NAME', 'STATE', 'REVISION', 'SINCE', 'MESSAGE']);
    const row = (...cells: string[]) => [bed.namespace, ...cells];
    expect(rows.slice(1)).toEqual([
      row(
        'Kustomization',
        'behind',
        'Pending',
        oldRevision,
        '2026-02-01T10:00:00Z',
        'held: Window',
      ),
      // Nothing is known of it but what its source holds.
      row('Kustomization', 'fresh', 'Pending', '-', '-', '-'),
      row('Kustomization', 'moved', 'Running', newRevision, '2026-02-01T12:00:00Z', '-'),
      row('HelmRelease', 'db', 'Running', '1.2.0+2222222d9e8a', '2026-02-01T12:01:00Z', '-'),
    ]);
  });

  test('tells what has run a revision before, and ends with 0 when all do or did', async () => {
    const args = ['where', oldCommit, '-n', bed.namespace, '-o', 'json'];
    const { code, out } = await bed.run(args);
    expect(code).toBe(0);
    const { items } = JSON.parse(out) as { items: { name: string; state: string }[] };
    expect(items.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'behind Running',
      'moved Earlier',
    ]);
    const chart = await bed.run(['where', '1.1.0', '-n', bed.namespace, '-o', 'markdown']);
    expect(chart.out).toContain(
      `| \`${bed.namespace}\` | \`HelmRelease\` | \`db\` | \`Earlier\` | \`1.2.0+2222222d9e8a\` |`,
    );
  });

  test('ends with 2 when nothing knows the revision', async () => {
    const { code, out, notes } = await bed.run(['where', '7777777', '-n', bed.namespace]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(notes).toContain('Nothing knows the revision 7777777.');
  });

  test('looks into all namespaces unless told otherwise', async () => {
    const { out } = await bed.run(['where', newRevision, '-o', 'json']);
    const names = (JSON.parse(out) as { items: { namespace: string; name: string }[] }).items
      .filter(({ namespace }) => namespace === bed.namespace)
      .map(({ name }) => name);
    expect(names).toContain('moved');
  });

  test('says what may not be listed', async () => {
    const key = { namespace: bed.namespace, name: 'reader' };
    await tenantAccount(bed.client, key, [
      {
        apiGroups: ['kustomize.toolkit.fluxcd.io', 'helm.toolkit.fluxcd.io'],
        resources: ['*'],
        verbs: ['list'],
      },
    ]);
    const user = `system:serviceaccount:${bed.namespace}:reader`;
    const { out, notes } = await bed.run(['where', newCommit, '-n', bed.namespace], { user });
    expect(out).toContain('moved');
    expect(out).not.toContain('fresh');
    expect(notes).toContain('gitrepositories may not be listed');
    const all = await bed.run(['where', newCommit], { user });
    expect(all.code).toBe(1);
    expect(all.notes).toContain('give one with --namespace');
  });
});
