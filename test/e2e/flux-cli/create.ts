import type { KubeObject, Kustomization, Receiver } from '@sluice/shared/api';
import { isReady } from '@sluice/shared/runtime';
import { until, untilGone } from '@sluice/testing';
import { loadAll } from 'js-yaml';
import { expect } from 'vitest';
import { timeoutMs } from '../world.ts';
import { inFlux, kinds } from './objects.ts';
import type { CliStep, CliWorld } from './world.ts';

const every = '--interval=10m';

function sources(cli: CliWorld): string[][] {
  return [
    ['source', 'git', 'shop', `--url=${cli.git.url('shop')}`, '--branch=main', every],
    ['source', 'helm', 'charts', `--url=${cli.charts.url}`, every],
    [
      'source',
      'oci',
      'pushed',
      `--url=${cli.registry.ociUrl}/shop`,
      '--tag=latest',
      '--insecure',
      every,
    ],
    ['source', 'chart', 'web', '--source=HelmRepository/charts', '--chart=web', every],
  ];
}

const appliers = [
  ['kustomization', 'root', '--source=GitRepository/shop', '--path=./clusters', '--prune', every],
  ['kustomization', 'pushed', '--source=OCIRepository/pushed', '--path=./', '--prune', every],
  ['helmrelease', 'direct', '--source=HelmRepository/charts', '--chart=web', every],
  ['alert-provider', 'hook', '--type=generic', '--address=http://127.0.0.1:1/', '--channel=shop'],
  ['receiver', 'hook', '--type=generic', '--secret-ref=token', '--resource=GitRepository/shop'],
];

const alert = ['alert', 'hook', '--provider-ref=hook', '--event-source=Kustomization/*'];

/** Waits until all that comes from Git is of that commit and healthy. */
async function untilApplied(cli: CliWorld, sha: string): Promise<void> {
  const resource = await cli.resource(kinds.kustomization);
  const isApplied = (object: Kustomization) =>
    isReady(object) && object.status?.lastAppliedRevision === `main@sha1:${sha}`;
  for (const name of ['root', 'apps'])
    await until<Kustomization>(cli.client, resource, inFlux(name), isApplied, { timeoutMs });
}

/** Creates objects, which the program does at once and then waits until each is ready. */
export const createSteps: CliStep[] = [
  {
    name: 'create waits until each kind of source is ready',
    async run(cli) {
      const said = await Promise.all(sources(cli).map((args) => cli.flux('create', ...args)));
      const revisions = [
        /main@sha1:[0-9a-f]{40}/,
        /sha256:[0-9a-f]{64}/,
        /latest@sha256:/,
        /1\.0\.0/,
      ];
      said.forEach((text, index) => {
        expect(text).toMatch(revisions[index] as RegExp);
      });
    },
  },
  {
    name: 'create waits until Kustomizations, HelmReleases, Providers, Receivers and Alerts are ready',
    async run(cli) {
      const [root, pushed, direct, , hook] = await Promise.all(
        appliers.map((args) => cli.flux('create', ...args)),
      );
      expect(root).toMatch(/applied revision main@sha1:[0-9a-f]{40}/);
      expect(pushed).toMatch(/applied revision latest@sha256:[0-9a-f]{64}/);
      expect(direct).toMatch(/applied revision 1\.0\.0/);
      const receiver = await cli.find<Receiver>(kinds.receiver, inFlux('hook'));
      expect(hook).toContain(`generated webhook URL ${receiver?.status?.webhookPath}`);
      expect(await cli.flux('create', ...alert)).toContain('Alert hook is ready');
      await untilApplied(cli, await cli.repo.resolve('main'));
    },
  },
  {
    name: 'create --export prints what the controllers accept unchanged',
    async run(cli) {
      const all = [...sources(cli), ...appliers, alert];
      await Promise.all(
        all.map(async (args) => {
          const { stdout } = await cli.run('create', ...args, '--export');
          const [object] = loadAll(stdout) as [KubeObject];
          const before = await cli.find(object, object.metadata);
          const after = await cli.apply(object);
          expect([args, after.metadata.generation]).toEqual([args, before?.metadata.generation]);
        }),
      );
    },
  },
  {
    name: 'create secret writes the keys that sources and Receivers read',
    async run(cli) {
      const login = ['--username=shop', '--password=pass'];
      const cases: [string[], string[]][] = [
        [
          ['git', '--url=https://git.example.com/shop', ...login],
          ['password', 'username'],
        ],
        [
          ['helm', ...login],
          ['password', 'username'],
        ],
        [['oci', '--url=registry.example.com', ...login], ['.dockerconfigjson']],
        [
          ['proxy', '--address=http://proxy.example.com:3128', ...login],
          ['address', 'password', 'username'],
        ],
        [['receiver', '--type=generic', '--hostname=flux.example.com'], ['token']],
      ];
      await Promise.all(
        cases.map(async ([[type = '', ...args], keys]) => {
          const name = `made-${type}`;
          await cli.flux('create', 'secret', type, name, ...args);
          const secret = await cli.find<KubeObject & { data: object }>(kinds.secret, inFlux(name));
          expect([type, Object.keys(secret?.data ?? {}).sort()]).toEqual([type, keys]);
        }),
      );
    },
  },
  {
    name: 'trigger receiver makes the source reconcile',
    async run(cli) {
      const sha = await cli.repo.commit({ files: { 'README.md': 'triggered\n' } });
      const url = `--url=${cli.controllers.receiverUrl}`;
      await cli.flux('trigger', 'receiver', 'hook', '--token=token-of-the-receiver', url);
      await untilApplied(cli, sha);
    },
  },
];

/** Deletes through the program, which leaves the cleaning up to the controllers' finalizers. */
export const deleteSteps: CliStep[] = [
  {
    name: 'delete removes the objects of a Kustomization and of a HelmRelease, and then them',
    async run(cli) {
      const gone: [keyof typeof kinds, string][] = [
        ['kustomization', 'pushed'],
        ['helmRelease', 'direct'],
        ['alert', 'hook'],
        ['receiver', 'hook'],
        ['provider', 'hook'],
        ['oci', 'pushed'],
        ['helmChart', 'web'],
      ];
      const words = ['kustomization', 'helmrelease', 'alert', 'receiver', 'alert-provider'];
      await Promise.all([
        ...words.map((word, index) =>
          cli.flux('delete', word, gone[index]?.[1] as string, '--silent'),
        ),
        cli.flux('delete', 'source', 'oci', 'pushed', '--silent'),
        cli.flux('delete', 'source', 'chart', 'web', '--silent'),
      ]);
      for (const [kind, name] of gone) {
        const resource = await cli.resource(kinds[kind]);
        await untilGone(cli.client, resource, inFlux(name), { timeoutMs });
      }
      const pushed = { namespace: 'default', name: 'from-registry' };
      expect(await cli.find(kinds.configMap, pushed)).toBeUndefined();
      expect(await cli.find(kinds.deployment, inFlux('release'))).toBeUndefined();
    },
  },
];
