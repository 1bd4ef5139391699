import type { KubeObject } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { expect } from 'vitest';
import { type CliStep, type CliWorld, fluxNamespace } from './world.ts';

/** The rows of a table as the program prints it: cells with spaces around them, tabs between. */
function rowsOf(table: string): string[][] {
  return table
    .split('\n')
    .filter((line) => line.includes('\t'))
    .map((line) => line.split('\t').map((cell) => cell.trim()));
}

async function rowOf(cli: CliWorld, args: string[], name: string): Promise<string[]> {
  const rows = rowsOf(await cli.flux('get', ...args));
  const row = rows.find(([first]) => first === name);
  if (!row) throw new Error(`flux get ${args.join(' ')} has no row ${name}: ${rows.join('\n')}`);
  return row;
}

async function podOf(cli: CliWorld, namespace: string, app: string): Promise<string> {
  const { items } = await cli.client.list<KubeObject>(coreResources.pods, {
    namespace,
    labelSelector: `app=${app}`,
  });
  return items[0]?.metadata.name as string;
}

const sha = /^main@sha1:[0-9a-f]{8}$/;
const stored = /^stored artifact for revision '.+'$/;

/** Commands that only read. */
export const readSteps: CliStep[] = [
  {
    name: 'get shows revision, suspension, readiness and message of each kind',
    async run(cli) {
      const cases: [string[], string, unknown[]][] = [
        [['sources', 'git'], 'shop', [sha, 'False', 'True', stored]],
        [['sources', 'oci'], 'pushed', [/^latest@sha256:[0-9a-f]{8}$/, 'False', 'True', stored]],
        [['sources', 'helm'], 'charts', [/^sha256:[0-9a-f]{8}$/, 'False', 'True', stored]],
        [
          ['sources', 'chart'],
          'web',
          ['1.0.0', 'False', 'True', "pulled 'web' chart with version '1.0.0'"],
        ],
        [['kustomizations'], 'apps', [sha, 'False', 'True', /^Applied revision: main@sha1:/]],
        [
          ['helmreleases'],
          'shop',
          [
            '1.0.0',
            'False',
            'True',
            /^Helm install of apps\/shop\.v1 with chart web@1\.0\.0 succeeded/,
          ],
        ],
        [['receivers'], 'hook', ['False', 'True', /^Receiver initialized for path: \/hook\//]],
        [['alerts'], 'hook', ['False', 'True', 'Alert is Ready']],
        [['alert-providers'], 'hook', ['True', 'Provider is Ready']],
      ];
      await Promise.all(
        cases.map(async ([args, name, expected]) => {
          const [, ...cells] = await rowOf(cli, args, name);
          expected.forEach((cell, index) => {
            expect(cells[index]).toEqual(
              cell instanceof RegExp ? expect.stringMatching(cell) : cell,
            );
          });
        }),
      );
    },
  },
  {
    name: 'get all lists every kind in all namespaces, without complaining about kinds that Sluice lacks',
    async run(cli) {
      const text = await cli.flux('get', 'all', '-A');
      const kinds = rowsOf(text).map(([, name]) => name?.split('/')[0]);
      expect(new Set(kinds.filter((kind) => kind?.match(/^[a-z]/)))).toEqual(
        new Set([
          ...['gitrepository', 'ocirepository', 'helmrepository', 'helmchart'],
          ...['kustomization', 'helmrelease', 'receiver', 'alert', 'provider'],
        ]),
      );
      expect(text).not.toContain('✗');
    },
  },
  {
    name: 'get filters by name, label and status',
    async run(cli) {
      const names = async (...args: string[]) =>
        rowsOf(await cli.flux('get', 'kustomizations', '--no-header', ...args)).map(
          ([name]) => name,
        );
      expect(await names('root')).toEqual(['root']);
      expect(await names('--label-selector', 'team=shop')).toEqual(['apps']);
      expect(await names('--status-selector', 'ready=true')).toContain('apps');
      expect(await names('--status-selector', 'ready=false')).toEqual([]);
      expect(await names('--status-selector', 'healthy=true')).toEqual(['apps']);
      const shown = await cli.flux('get', 'kustomizations', '--show-source');
      expect(shown).toContain(`GitRepository/${fluxNamespace}/shop`);
    },
  },
  {
    name: 'stats counts objects and adds up what the sources store',
    async run(cli) {
      const rows = new Map(
        rowsOf(await cli.flux('stats')).map(([kind, ...cells]) => [kind, cells]),
      );
      expect(rows.get('Kustomization')).toEqual(['3', '0', '0', '-', '']);
      expect(rows.get('HelmRelease')?.slice(0, 3)).toEqual(['2', '0', '0']);
      for (const kind of ['GitRepository', 'OCIRepository', 'HelmRepository', 'HelmChart']) {
        expect([kind, rows.get(kind)?.[3]]).toEqual([
          kind,
          expect.stringMatching(/^[\d.]+ (Ki)?B$/),
        ]);
      }
    },
  },
  {
    name: 'events shows those of an object and of its source, and filters by type',
    async run(cli) {
      const apps = await cli.flux('events', '--for', 'Kustomization/apps');
      expect(apps).toMatch(/Normal *\tReconciliationSucceeded *\tKustomization\/apps/);
      expect(apps).toMatch(/Normal *\tNewArtifact *\tGitRepository\/shop/);
      expect(apps).not.toContain('Kustomization/root');
      const shop = await cli.flux('events', '--for', 'HelmRelease/shop');
      expect(shop).toMatch(/InstallSucceeded *\tHelmRelease\/shop/);
      expect(shop).toMatch(/ChartPullSucceeded *\tHelmChart\/flux-system-shop/);
      expect(await cli.flux('events', '-A', '--types', 'Warning')).not.toContain('Normal');
    },
  },
  {
    name: 'tree shows nested Kustomizations and what a Helm release holds',
    async run(cli) {
      const lines = (await cli.flux('tree', 'kustomization', 'root')).match(/\w+\/\S+/g);
      expect(new Set(lines)).toEqual(
        new Set([
          ...['Kustomization/flux-system/root', 'Namespace/apps', 'Kustomization/flux-system/apps'],
          ...['Secret/apps/password', 'ConfigMap/apps/settings', 'Deployment/apps/web'],
          ...['HelmRelease/flux-system/shop', 'ConfigMap/apps/values', 'Deployment/apps/release'],
        ]),
      );
      const compact = (await cli.flux('tree', 'ks', 'root', '--compact')).match(/\w+\/\S+/g);
      expect(compact).toEqual([
        ...['Kustomization/flux-system/root', 'Kustomization/flux-system/apps'],
        'HelmRelease/flux-system/shop',
      ]);
      const { stdout } = await cli.run('tree', 'ks', 'apps', '--output=json');
      const tree = JSON.parse(stdout) as { resources: { resource: { Name: string } }[] };
      expect(tree.resources.map(({ resource }) => resource.Name).sort()).toEqual([
        ...['password', 'settings', 'shop', 'web'],
      ]);
    },
  },
  {
    name: 'trace leads from a Pod over its owners to the Kustomization and the commit',
    async run(cli) {
      const pod = await podOf(cli, 'apps', 'web');
      const traced = await cli.flux('trace', '-n', 'apps', 'pod', pod);
      expect(traced).toMatch(/Status: +Managed by Flux\n---\nKustomization: +apps\n/);
      expect(traced).toMatch(/GitRepository: +shop\n(.+\n)*Branch: +main\nRevision: +main@sha1:/);
      expect(traced).toMatch(/Message: +Applied revision: main@sha1:/);
    },
  },
  {
    name: 'trace leads from a Pod of a release to the HelmRelease, its chart and its repository',
    async run(cli) {
      const pod = await podOf(cli, 'apps', 'release');
      const traced = await cli.flux('trace', '-n', 'apps', `pod/${pod}`);
      expect(traced).toMatch(/HelmRelease: +shop\n(.+\n)*Revision: +1\.0\.0\n/);
      expect(traced).toMatch(/HelmChart: +flux-system-shop\n(.+\n)*Revision: +1\.0\.0\n/);
      expect(traced).toMatch(/HelmRepository: charts\n/);
    },
  },
  {
    name: 'trace leads from a HelmRelease to the Kustomization that applied it',
    async run(cli) {
      const args = ['--kind=HelmRelease', '--api-version=helm.toolkit.fluxcd.io/v2'];
      expect(await cli.flux('trace', 'shop', ...args)).toMatch(/Kustomization: +apps\n/);
    },
  },
];
