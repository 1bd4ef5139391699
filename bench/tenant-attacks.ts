import { randomBytes } from 'node:crypto';
import type { KubeObject } from '@sluice/shared/api';
import {
  attackers,
  configMap,
  expandingTree,
  filesAttack,
  gitRepository,
  kustomization,
  object,
  repository,
  serve,
  several,
} from './attack-parts.ts';
import type { Bench } from './setup.ts';

/** What a tenant does to take the time or the memory of a controller. */
export interface Attack {
  name: string;
  /** Prepares repositories and servers; returns the objects that start it, and what ends its servers. */
  prepare(bench: Bench): Promise<{ objects: KubeObject[]; stop?(): void }>;
}

const nested = (depth: number): string =>
  depth === 0 ? 'true' : `data.list.all(x${depth}, ${nested(depth - 1)})`;

function yamlAliases(levels: number, width: number): string {
  const lines = [`  l0: &l0 [${several(width, () => 'lol').join(',')}]`];
  for (let level = 1; level <= levels; level++)
    lines.push(`  l${level}: &l${level} [${several(width, () => `*l${level - 1}`).join(',')}]`);
  return `apiVersion: example.com/v1\nkind: Laugh\nmetadata:\n  name: attack\nspec:\n${lines.join('\n')}\n`;
}

async function helmRepository() {
  const server = await serve('attack-index-server.ts');
  const spec = { interval: '1h', timeout: '20s', url: server.url };
  return {
    objects: several(3, (at) =>
      object('source.toolkit.fluxcd.io/v1', 'HelmRepository', `attack-${at}`, spec),
    ),
    stop: server.stop,
  };
}

async function kubeConfigBomb(bench: Bench) {
  const server = await serve('attack-bomb-server.ts');
  const value = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: server.url } }],
    users: [{ name: 'u', user: { token: 'attack' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'attack', namespace: attackers },
    stringData: { value },
  } as KubeObject;
  const kubeConfig = { secretRef: { name: 'attack' } };
  const made = await filesAttack(
    bench,
    { 'a.yaml': configMap('  a: b\n') },
    several(3, () => ({ kubeConfig, serviceAccountName: undefined })),
  );
  return { objects: [secret, ...made.objects], stop: server.stop };
}

function alertObjects(): KubeObject[] {
  const expressions = several(400, (at) => `(a|aa|b${at})*(x+x+)+y(.*.*.*)=.*${at}`);
  return [
    object('notification.toolkit.fluxcd.io/v1beta3', 'Provider', 'attack', {
      type: 'generic',
      address: 'http://127.0.0.1:9/',
    }),
    object('notification.toolkit.fluxcd.io/v1beta3', 'Alert', 'attack', {
      providerRef: { name: 'attack' },
      eventSources: [{ kind: 'Kustomization', name: '*' }],
      exclusionList: expressions,
    }),
    ...several(5, (at) => kustomization(`attack-${at}`, { path: './missing' })),
  ];
}

const template = '{{ range until 2000000000 }}{{ printf "%d" . }}{{ end }}';

async function helmTemplate(bench: Bench) {
  const { url } = await repository(bench, (repo) =>
    repo.commit({
      files: {
        'chart/Chart.yaml': 'apiVersion: v2\nname: attack\nversion: 0.1.0\n',
        'chart/templates/a.yaml': template,
      },
    }),
  );
  const release = (at: number) =>
    object('helm.toolkit.fluxcd.io/v2', 'HelmRelease', `attack-${at}`, {
      interval: '1h',
      timeout: '20s',
      serviceAccountName: 'reconciler',
      chart: { spec: { chart: './chart', sourceRef: { kind: 'GitRepository', name: 'attack' } } },
    });
  return { objects: [gitRepository('attack', url), ...several(4, release)] };
}

/** What was found to block a controller or to take its memory, and their like. */
export const attacks: Attack[] = [
  {
    name: 'nested all() in healthCheckExprs and readyExpr',
    async prepare(bench) {
      const current = nested(6);
      const list = several(200, () => '"x"').join(', ');
      const expr = `[${list}].all(a, [${list}].all(b, [${list}].all(c, a == b || b == c || true)))`;
      const healthCheckExprs = [
        { apiVersion: 'v1', kind: 'ConfigMap', current: expr },
        { apiVersion: 'v1', kind: 'Secret', current },
      ];
      return filesAttack(bench, { 'a.yaml': configMap('  a: b\n') }, [
        ...several(3, () => ({ wait: true, healthCheckExprs })),
        { dependsOn: [{ name: 'attack-0', readyExpr: expr }] },
      ]);
    },
  },
  {
    name: 'nested substitution of a large value',
    prepare: (bench) =>
      filesAttack(
        bench,
        { 'a.yaml': configMap('  a: "${v//x/${v}}"\n') },
        several(3, () => ({ postBuild: { substitute: { v: 'x'.repeat(10_000) } } })),
      ),
  },
  {
    name: 'YAML aliases, 7 levels of 10',
    prepare: (bench) =>
      filesAttack(
        bench,
        { 'a.yaml': yamlAliases(7, 10) },
        several(3, () => ({})),
      ),
  },
  { name: 'API server that answers 300 MB of gzip', prepare: kubeConfigBomb },
  {
    name: 'Alert with 400 expressions',
    async prepare(bench) {
      const { url } = await repository(bench, (repo) =>
        repo.commit({ files: { 'a.yaml': configMap('  a: b\n') } }),
      );
      return { objects: [gitRepository('attack', url), ...alertObjects()] };
    },
  },
  {
    name: '8,000 ignore patterns and 3,000 files',
    async prepare(bench) {
      const ignore = several(8000, (at) => `**/*${at}*/**/x*${at}*`).join('\n');
      const files = several(
        3000,
        (at) => [`d${at % 50}/e${at % 7}/f${at}.yaml`, 'a: b\n'] as const,
      );
      const { url } = await repository(bench, (repo) =>
        repo.commit({ files: { '.sourceignore': ignore, ...Object.fromEntries(files) } }),
      );
      return { objects: several(3, (at) => gitRepository(`attack-${at}`, url)) };
    },
  },
  {
    name: 'Git trees that expand without end',
    async prepare(bench) {
      const { url } = await repository(bench, (repo) =>
        expandingTree(repo, { levels: 12, width: 12, leaf: 'a: b\n' }),
      );
      return { objects: several(3, (at) => gitRepository(`attack-${at}`, url)) };
    },
  },
  {
    name: 'a small pack of 3 GB',
    async prepare(bench) {
      const { url } = await repository(bench, (repo) =>
        expandingTree(repo, { levels: 2, width: 10, leaf: '\0'.repeat(30 * 1024 * 1024) }),
      );
      return { objects: several(2, (at) => gitRepository(`attack-${at}`, url)) };
    },
  },
  {
    name: 'three packs of 100 MB',
    async prepare(bench) {
      const objects = await Promise.all(
        several(3, async (at) => {
          const { url } = await repository(bench, (repo) =>
            repo.commit({
              files: Object.fromEntries(
                several(10, (n) => [`f${n}`, randomBytes(10 * 1024 * 1024)] as const),
              ),
            }),
          );
          return gitRepository(`attack-${at}`, url);
        }),
      );
      return { objects };
    },
  },
  { name: 'Helm index of 20 MB', prepare: helmRepository },
  {
    name: 'version range of 60 kB',
    async prepare(bench) {
      const { url } = await repository(bench, (repo) =>
        repo.commit({ files: { 'a.yaml': configMap('  a: b\n') }, tag: 'v1.0.0' }),
      );
      const semver = several(6000, (at) => `>=0.${at}.0`).join(' || ');
      return {
        objects: several(3, (at) => gitRepository(`attack-${at}`, url, { ref: { semver } })),
      };
    },
  },
  { name: 'a template that never ends', prepare: helmTemplate },
];
