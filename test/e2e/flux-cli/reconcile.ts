import type { HelmRelease, KubeObject, Kustomization } from '@sluice/shared/api';
import { untilGone } from '@sluice/testing';
import { expect } from 'vitest';
import { timeoutMs } from '../world.ts';
import { inFlux, kinds } from './objects.ts';
import { type CliStep, type CliWorld, fluxNamespace } from './world.ts';

interface Handled extends KubeObject {
  status?: { lastHandledReconcileAt?: string; conditions?: object[] };
}

const requestedAt = ({ metadata }: KubeObject) =>
  metadata.annotations?.['reconcile.fluxcd.io/requestedAt'];

async function handled(cli: CliWorld, kind: keyof typeof kinds, name: string): Promise<Handled> {
  const object = await cli.find<Handled>(kinds[kind], inFlux(name));
  if (!object) throw new Error(`there is no ${kind} ${name}`);
  expect(object.status?.lastHandledReconcileAt).toBe(requestedAt(object));
  return object;
}

const spec = (source: string, more: object) => ({
  interval: '10m',
  sourceRef: { kind: 'GitRepository', name: source },
  ...more,
});

/**
 * Objects that cannot get ready: two stall, two are tried again, but after an hour, so that they are not found while
 * they are.
 */
const failing = [
  {
    ...kinds.git,
    metadata: inFlux('stalled'),
    spec: { interval: '10m', url: 'http://127.0.0.1:1/x', ref: { semver: 'no range' } },
  },
  {
    ...kinds.kustomization,
    metadata: inFlux('stalled'),
    spec: spec('shop', { prune: true, dependsOn: [{ name: 'root', readyExpr: '1 +' }] }),
  },
  {
    ...kinds.kustomization,
    metadata: inFlux('failing'),
    spec: spec('shop', { path: './bad', prune: true, retryInterval: '1h' }),
  },
  {
    ...kinds.helmRelease,
    metadata: inFlux('broken'),
    spec: {
      interval: '10m',
      chartRef: { kind: 'HelmChart', name: 'web' },
      values: { broken: true },
      install: { strategy: { name: 'RetryOnFailure', retryInterval: '1h' } },
    },
  },
] as unknown as KubeObject[];

/** Requests to reconcile, which the program makes by an annotation and waits for by the status. */
export const reconcileSteps: CliStep[] = [
  {
    name: 'reconcile is answered by each kind',
    async run(cli) {
      const cases: [keyof typeof kinds, string, string[], RegExp][] = [
        ['git', 'shop', ['source', 'git'], /fetched revision main@sha1:/],
        ['oci', 'pushed', ['source', 'oci'], /fetched revision latest@sha256:/],
        ['helmRepository', 'charts', ['source', 'helm'], /fetched revision sha256:/],
        ['helmChart', 'web', ['source', 'chart'], /fetched revision 1\.0\.0/],
        ['kustomization', 'root', ['kustomization'], /applied revision main@sha1:/],
        ['helmRelease', 'direct', ['helmrelease'], /applied revision 1\.0\.0/],
        ['receiver', 'hook', ['receiver'], /Receiver reconciliation completed/],
      ];
      await Promise.all(
        cases.map(async ([kind, name, words, said]) => {
          expect(await cli.flux('reconcile', ...words, name)).toMatch(said);
          const { status } = await handled(cli, kind, name);
          expect(Date.parse(status?.lastHandledReconcileAt ?? '')).not.toBeNaN();
        }),
      );
    },
  },
  {
    name: 'reconcile --with-source fetches first and applies what was fetched',
    async run(cli) {
      const color = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: late, namespace: apps }\n';
      const sha = await cli.repo.commit({ files: { 'apps/late.yaml': color } });
      const [said, released] = await Promise.all([
        cli.flux('reconcile', 'kustomization', 'apps', '--with-source'),
        cli.flux('reconcile', 'helmrelease', 'shop', '--with-source'),
      ]);
      expect(said).toContain(`applied revision main@sha1:${sha}`);
      expect(await cli.find(kinds.configMap, { namespace: 'apps', name: 'late' })).toBeDefined();
      expect(released).toMatch(
        new RegExp(
          `annotating HelmRepository charts .*HelmChart ${fluxNamespace}-shop .*HelmRelease shop`,
          's',
        ),
      );
    },
  },
  {
    name: 'reconcile helmrelease --force releases once more',
    async run(cli) {
      await cli.flux('reconcile', 'helmrelease', 'direct', '--force');
      const object = (await handled(cli, 'helmRelease', 'direct')) as unknown as HelmRelease;
      expect(object.status?.lastHandledForceAt).toBe(object.status?.lastHandledReconcileAt);
      expect(object.status?.history?.map(({ version }) => version)).toEqual([2, 1]);
    },
  },
  {
    name: 'reconcile of an object that stalls ends at once with its message',
    async run(cli) {
      await Promise.all(failing.map((object) => cli.apply(object)));
      const [git, kustomization] = await Promise.all([
        cli.run('reconcile', 'source', 'git', 'stalled'),
        cli.run('reconcile', 'kustomization', 'stalled'),
      ]);
      expect(git).toMatchObject({ code: 1, text: expect.stringMatching(/✗ .*semver.*'no range'/) });
      expect(kustomization).toMatchObject({
        code: 1,
        text: expect.stringMatching(/✗ .*readyExpr/),
      });
      await handled(cli, 'git', 'stalled');
      await handled(cli, 'kustomization', 'stalled');
    },
  },
  {
    name: 'reconcile of an object that is tried again waits as with Flux, though the request is handled',
    async run(cli) {
      const [kustomization, release] = await Promise.all([
        cli.run('reconcile', 'kustomization', 'failing', '--timeout=4s'),
        cli.run('reconcile', 'helmrelease', 'broken', '--reset', '--timeout=4s'),
      ]);
      for (const { code, text } of [kustomization, release]) {
        expect([code, text]).toEqual([1, expect.stringContaining('deadline exceeded')]);
      }
      const { status } = await handled(cli, 'kustomization', 'failing');
      expect(status?.conditions).toMatchObject([
        { type: 'Reconciling', status: 'True', reason: 'ProgressingWithRetry' },
        { type: 'Ready', status: 'False', reason: 'ReconciliationFailed' },
      ]);
      const broken = (await handled(cli, 'helmRelease', 'broken')) as unknown as HelmRelease;
      expect(broken.status?.lastHandledResetAt).toBe(broken.status?.lastHandledReconcileAt);
    },
  },
  {
    name: 'what fails is found by get, stats and events',
    async run(cli) {
      const failed = await cli.flux('get', 'all', '--status-selector=ready=false');
      for (const name of ['gitrepository/stalled', 'kustomization/failing', 'helmrelease/broken'])
        expect(failed).toContain(name);
      expect(failed).not.toContain('kustomization/apps');
      expect(await cli.flux('stats')).toMatch(/Kustomization *\t5 *\t2 *\t0 /);
      const events = await cli.flux('events', '--types=Warning', '--for=Kustomization/failing');
      expect(events).toMatch(/Warning\tReconciliationFailed\tKustomization\/failing/);
    },
  },
];

/** Suspending, which the program does by the spec. */
export const suspendSteps: CliStep[] = [
  {
    name: 'suspend keeps each kind from reconciling, and resume waits until it is ready again',
    async run(cli) {
      const cases = [
        ['source', 'git', 'shop'],
        ['source', 'oci', 'pushed'],
        ['source', 'helm', 'charts'],
        ['source', 'chart', 'web'],
        ['kustomization', 'root'],
        ['helmrelease', 'shop'],
        ['receiver', 'hook'],
        ['alert', 'hook'],
      ];
      await Promise.all(
        cases.map(async (words) => {
          await cli.flux('suspend', ...words);
          if (words[0] !== 'alert') {
            const { code, text } = await cli.run('reconcile', ...words);
            expect([code, text]).toEqual([1, expect.stringContaining('resource is suspended')]);
          }
          expect(await cli.flux('resume', ...words)).toMatch(/reconciliation completed/);
        }),
      );
    },
  },
  {
    name: 'suspend --all and resume --all take all objects of a kind, and get shows it',
    async run(cli) {
      const names = ['failing', 'stalled'];
      await Promise.all(names.map((name) => cli.flux('delete', 'ks', name, '--silent')));
      const resource = await cli.resource(kinds.kustomization);
      for (const name of names) await untilGone(cli.client, resource, inFlux(name), { timeoutMs });
      await cli.flux('suspend', 'kustomization', '--all');
      const table = await cli.flux('get', 'kustomizations', '--no-header');
      expect(
        table
          .trim()
          .split('\n')
          .map((row) => row.split('\t')[2]?.trim()),
      ).toEqual([...['True', 'True', 'True']]);
      expect(await cli.flux('stats')).toMatch(/Kustomization *\t0 *\t0 *\t3 /);
      expect(await cli.flux('resume', 'kustomization', '--all', '--wait')).not.toContain('✗');
      // The program knows no such field, and writes only what it changes.
      const apps = await cli.find<Kustomization>(kinds.kustomization, inFlux('apps'));
      expect(apps?.spec.suspend ?? false).toBe(false);
      expect(apps?.spec.driftDetection).toEqual({ mode: 'warn' });
    },
  },
];
