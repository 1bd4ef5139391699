import type { HelmRelease, KubeObject, Kustomization } from '@sluice/shared/api';
import { load, loadAll } from 'js-yaml';
import { expect } from 'vitest';
import { deploymentYaml } from '../objects.ts';
import { appFiles, inFlux, kinds } from './objects.ts';
import type { CliStep } from './world.ts';

/** Objects as they come out of `export`, with what people see of each. */
const exported: [keyof typeof kinds, string[]][] = [
  ['git', ['source', 'git', 'shop']],
  ['oci', ['source', 'oci', 'pushed']],
  ['helmRepository', ['source', 'helm', 'charts']],
  ['helmChart', ['source', 'chart', 'web']],
  ['kustomization', ['kustomization', 'apps']],
  ['helmRelease', ['helmrelease', 'shop']],
  ['receiver', ['receiver', 'hook']],
  ['alert', ['alert', 'hook']],
  ['provider', ['alert-provider', 'hook']],
];

/** The spec with its durations as the program writes them. */
function withGoDurations(object?: KubeObject): unknown {
  const { spec } = object as KubeObject & { spec: object };
  const text = JSON.stringify(spec).replace('"60s"', '"1m"');
  return JSON.parse(text.replace(/"(\d+)m"/g, '"$1m0s"'));
}

/** Commands that explain one object, or compare it with files. */
export const inspectSteps: CliStep[] = [
  {
    name: 'debug kustomization shows status, history and variables',
    async run(cli) {
      const object = await cli.find<Kustomization>(kinds.kustomization, inFlux('apps'));
      const debug = async (flag: string) => (await cli.run('debug', 'ks', 'apps', flag)).stdout;
      const status = load(await debug('--show-status')) as Kustomization['status'];
      expect(status?.inventory).toEqual(object?.status?.inventory);
      expect(status?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' });
      expect(load(await debug('--show-history'))).toMatchObject([
        {
          lastReconciledStatus: 'ReconciliationSucceeded',
          metadata: { revision: expect.any(String) },
        },
      ]);
      const variables = (await debug('--show-vars')).trim().split('\n');
      expect(variables).toEqual(expect.arrayContaining(['color=green', 'size=large']));
    },
  },
  {
    name: 'debug helmrelease shows status, history and the final values',
    async run(cli) {
      const object = await cli.find<HelmRelease>(kinds.helmRelease, inFlux('shop'));
      const debug = async (flag: string) =>
        load((await cli.run('debug', 'hr', 'shop', flag)).stdout);
      expect(await debug('--show-status')).toMatchObject({
        storageNamespace: 'apps',
        lastAttemptedConfigDigest: object?.status?.lastAttemptedConfigDigest,
      });
      const [latest] = object?.status?.history ?? [];
      expect(await debug('--show-history')).toMatchObject([
        { digest: latest?.digest, chartVersion: '1.0.0', status: 'deployed', version: 1 },
      ]);
      expect(await debug('--show-values')).toEqual({ greeting: 'hello', from: 'spec', more: 1 });
    },
  },
  {
    name: 'export prints objects without status that can be applied again without a change',
    async run(cli) {
      await Promise.all(
        exported.map(async ([kind, args]) => {
          const { stdout } = await cli.run('export', ...args);
          const [object] = loadAll(stdout) as [KubeObject & { status?: unknown }];
          expect(object).toMatchObject({ ...kinds[kind], spec: expect.any(Object) });
          expect(object.status).toBeUndefined();
          const before = await cli.find(object, object.metadata);
          // The program writes durations anew, which is drift of what comes from Git; `warn` would leave it.
          const { object: after } = await cli.client.apply(await cli.resource(object), object, {
            fieldManager: 'e2e',
            force: true,
            dryRun: true,
          });
          expect([kind, withGoDurations(after)]).toEqual([kind, withGoDurations(before)]);
        }),
      );
    },
  },
  {
    name: 'export leaves out fields that Flux does not have',
    async run(cli) {
      const { stdout } = await cli.run('export', 'kustomization', 'apps');
      const [object] = loadAll(stdout) as [Kustomization];
      expect(object.spec.postBuild?.substitute).toEqual({ color: 'green' });
      expect(object.spec.driftDetection).toBeUndefined();
    },
  },
  {
    name: 'build kustomization makes what was applied',
    async run(cli) {
      const path = await cli.folder('apps', appFiles);
      const { stdout } = await cli.run('build', 'kustomization', 'apps', `--path=${path}`);
      const built = loadAll(stdout) as (KubeObject & { data?: object })[];
      const settings = built.find(({ metadata }) => metadata.name === 'settings');
      const live = await cli.find(kinds.configMap, { namespace: 'apps', name: 'settings' });
      expect(live).toMatchObject({ data: { color: 'green', size: 'large' } });
      expect(settings?.data).toEqual((live as typeof settings)?.data);
      expect(live?.metadata.labels).toMatchObject(settings?.metadata.labels ?? {});
    },
  },
  {
    name: 'diff kustomization sees no difference in what was applied, Secrets included',
    async run(cli) {
      const path = await cli.folder('apps', appFiles);
      const same = await cli.run('diff', 'ks', 'apps', `--path=${path}`, '--progress-bar=false');
      expect(same).toMatchObject({ code: 0, text: '' });
    },
  },
  {
    name: 'diff kustomization names what a change would change, create and delete',
    async run(cli) {
      const { 'settings.yaml': settings = '', ...rest } = appFiles;
      const path = await cli.folder('changed', {
        ...rest,
        'web.yaml': deploymentYaml({ name: 'web', image: 'web:2.0.0', namespace: 'apps' }),
        'more.yaml': settings.replace('settings', 'more'),
      });
      const diff = ['diff', 'ks', 'apps', `--path=${path}`, '--progress-bar=false'];
      const changed = await cli.run(...diff);
      expect(changed.code).toBe(1);
      expect(changed.text).toMatch(
        /Deployment\/apps\/web drifted\n(.*\n)*spec\.template\.spec\.containers\.web\.image\n(.*\n)*.*- web:1\.0\.0\n.*\+ web:2\.0\.0\n/,
      );
      expect(changed.text).toContain('ConfigMap/apps/more created');
      expect(changed.text).toContain('ConfigMap/apps/settings deleted');
      expect(changed.text).not.toMatch(/(Secret|HelmRelease)\/\S+ drifted/);
      const ignoring = await cli.run(...diff, '--ignore-paths=more.yaml');
      expect(ignoring.text).not.toContain('ConfigMap/apps/more');
    },
  },
];
