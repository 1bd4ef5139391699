import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ArtifactGenerator,
  ExternalArtifact,
  HelmRelease,
  KubeObject,
  Kustomization,
} from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { isReady } from '@sluice/shared/runtime';
import {
  assertStatusContract,
  controllerNames,
  type GitRepository,
  type HelmServer,
  type Registry,
  startHelmServer,
  startRegistry,
  toolPath,
  until,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  applicationChart,
  infrastructureChart,
  namespace,
  repositoryFiles,
  valuesOf,
} from './composed/repository.ts';
import { appsV1, coreV1 } from './objects.ts';
import { type LocalWorld, startWorld, timeoutMs } from './world.ts';

let world: LocalWorld;
let charts: HelmServer;
let registry: Registry;
let repository: GitRepository;
const started = new AsyncDisposableStack();
const stepMs = 180_000;

beforeAll(async () => {
  world = await startWorld({ controllers: { names: [...controllerNames, 'source-watcher'] } });
  started.defer(() => world.stop());
  charts = await startHelmServer();
  started.defer(() => charts.stop());
  registry = await startRegistry();
  started.defer(() => registry.stop());
  await charts.publish(applicationChart('1.0.0'), applicationChart('1.1.0-alpha.1'));
  await pushInfrastructureChart();
  const files = repositoryFiles({ charts: charts.url, registry: registry.host });
  repository = await world.git.createRepo('platform', files);
}, stepMs);
afterAll(() => started.disposeAsync());

/** As `helm push` would. */
async function pushInfrastructureChart(): Promise<void> {
  const { name, version } = infrastructureChart;
  const packer = await startHelmServer();
  started.defer(() => packer.stop());
  await packer.publish(infrastructureChart);
  const file = `${name}-${version}.tgz`;
  const [, data] = [...packer.files].find(([path]) => path.endsWith(file)) ?? [];
  if (data === undefined) throw new Error('the chart was not packed');
  const mediaType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
  await registry.pushArtifact({
    repository: `charts/${name}`,
    tag: version,
    configMediaType: 'application/vnd.cncf.helm.config.v1+json',
    config: JSON.stringify({ name, version, apiVersion: 'v2' }),
    layers: [{ mediaType, data }],
  });
}

const kind = {
  generator: { apiVersion: 'source.extensions.fluxcd.io/v1beta1', kind: 'ArtifactGenerator' },
  artifact: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'ExternalArtifact' },
  git: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' },
  kustomization: { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' },
  release: { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease' },
  issuer: { apiVersion: 'certificates.example.com/v1', kind: 'Issuer' },
};

async function when<T extends KubeObject>(
  of: { apiVersion: string; kind: string },
  key: { namespace?: string; name: string },
  predicate: (object: T) => boolean,
): Promise<T> {
  const resource = await world.resource(of);
  return until<T>(world.client, resource, key, predicate, { timeoutMs });
}

const output = async (name: string) =>
  world.client.get<ExternalArtifact>(await world.resource(kind.artifact), { namespace, name });

async function flux(...args: string[]): Promise<string> {
  const { stdout } = await runCommand({
    file: toolPath('flux'),
    args,
    env: { KUBECONFIG: world.controlPlane.kubeconfigPath, HOME: world.dir },
    timeoutMs,
    maxOutputBytes: 2 ** 20,
  });
  return stdout;
}

test(
  'a repository that is split by an ArtifactGenerator comes up as a whole',
  async () => {
    const { client, apply, git } = world;
    await apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
    const key = { namespace, name: 'flux-system' };
    const url = git.url('platform');
    const source = { interval: '1m', url, ref: { branch: 'main' } };
    await apply({ ...kind.git, metadata: key, spec: source } as KubeObject);
    const sync = {
      interval: '10m',
      prune: true,
      path: './clusters/staging',
      sourceRef: { kind: 'GitRepository', name: 'flux-system' },
    };
    await apply({ ...kind.kustomization, metadata: key, spec: sync } as KubeObject);
    for (const name of ['flux-system', 'infra-controllers', 'infra-configs', 'apps']) {
      const at = { namespace, name };
      assertStatusContract(await when<Kustomization>(kind.kustomization, at, isReady));
    }
    assertStatusContract(await when<ArtifactGenerator>(kind.generator, key, isReady));
    const web = { namespace: 'web', name: 'web' };
    const release = await when<HelmRelease>(kind.release, web, isReady);
    expect(release.status?.history?.[0]?.chartVersion).toBe('1.1.0-alpha.1');
    const settings = await client.get<KubeObject & { data: object }>(
      await world.resource(coreV1('ConfigMap')),
      web,
    );
    expect(settings.data).toEqual({ hostname: 'web.staging', version: '1.1.0-alpha.1' });
    const issuer = await client.get<KubeObject & { spec: object }>(
      await world.resource(kind.issuer),
      { name: 'public' },
    );
    expect(issuer.spec).toEqual({ server: 'https://ca.example.com/staging' });
  },
  stepMs,
);

test(
  'get and tree of the flux program show a generator and what it has made',
  async () => {
    expect(await flux('get', 'artifacts', 'generators', '-n', namespace)).toMatch(
      /^flux-system\s+False\s+True\s+generated 2 artifacts/m,
    );
    const tree = await flux('tree', 'artifact', 'generator', 'flux-system', '-n', namespace);
    expect(tree).toContain(`ExternalArtifact/${namespace}/infrastructure`);
    expect(tree).toContain(`ExternalArtifact/${namespace}/apps`);
    const sources = await flux('get', 'sources', 'external', '-n', namespace);
    expect(sources).toMatch(/^apps\s.*latest@sha256:/m);
  },
  stepMs,
);

test(
  'a commit to one part changes what is applied from it, and leaves the other alone',
  async () => {
    const before = { apps: await output('apps'), infrastructure: await output('infrastructure') };
    const controllers = { namespace, name: 'infra-controllers' };
    const applied = await when<Kustomization>(kind.kustomization, controllers, isReady);
    const path = 'apps/staging/web-values.yaml';
    const files = { [path]: valuesOf('>=1.0.0-alpha', 'web.changed') };
    const commit = await repository.commit({ files });
    await flux('reconcile', 'source', 'git', 'flux-system', '-n', namespace);
    type Settings = KubeObject & { data: { hostname: string } };
    const isChanged = ({ data }: Settings) => data.hostname === 'web.changed';
    await when<Settings>(coreV1('ConfigMap'), { namespace: 'web', name: 'web' }, isChanged);
    const apps = await output('apps');
    expect(apps.status?.artifact?.digest).not.toBe(before.apps.status?.artifact?.digest);
    const origin = 'org.opencontainers.image.revision';
    expect(apps.status?.artifact?.metadata?.[origin]).toBe(`main@sha1:${commit}`);
    const { artifact } = (await output('infrastructure')).status ?? {};
    expect(artifact?.digest).toBe(before.infrastructure.status?.artifact?.digest);
    expect(artifact?.revision).toBe(before.infrastructure.status?.artifact?.revision);
    const after = await when<Kustomization>(kind.kustomization, controllers, isReady);
    expect(after.status).toEqual(applied.status);
  },
  stepMs,
);

test(
  'nothing of a generator is left once it is gone',
  async () => {
    const deployments = await world.resource(appsV1('Deployment'));
    const { items } = await world.client.list(deployments, { namespace: 'web' });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['web']);
    const key = { namespace, name: 'flux-system' };
    const generators = await world.resource(kind.generator);
    const storage = join(world.dir, 'source-watcher/data/externalartifact', namespace);
    expect(await exists(join(storage, 'apps/latest.tar.gz'))).toBe(true);
    // The Kustomization that applies it would make it again.
    const suspend = { spec: { suspend: true } };
    await world.client.patch(await world.resource(kind.kustomization), key, suspend, {
      type: 'merge',
    });
    await world.client.delete(generators, key);
    for (const name of ['apps', 'infrastructure']) {
      await expect
        .poll(
          () =>
            output(name).then(
              () => 'there',
              () => 'gone',
            ),
          { timeout: timeoutMs },
        )
        .toBe('gone');
      await expect.poll(() => exists(join(storage, name)), { timeout: timeoutMs }).toBe(false);
    }
  },
  stepMs,
);

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === 'EISDIR',
  );
}
