import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact, KubeObject } from '@sluice/shared/api';
import { createHasher, sha256Hex } from '@sluice/shared/base';
import { isReady } from '@sluice/shared/runtime';
import {
  conditionOf,
  freePorts,
  receiveWebhooks,
  temporaryFolder,
  until,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coreV1 } from './objects.ts';
import { type LocalWorld, startWorld, timeoutMs } from './world.ts';

const namespace = 'readers';
const audience = 'artifacts.example.com';
const consumers = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'source-watcher',
] as const;
type Consumer = (typeof consumers)[number];
const stepMs = 180_000;

const started = new AsyncDisposableStack();
const tokens: Record<string, string> = {};
let world: LocalWorld;
let tokenDir: string;
let foreign: WebhookReceiver;
let artifact: Artifact;

const sources = 'source.toolkit.fluxcd.io/v1';
const kustomizations = 'kustomize.toolkit.fluxcd.io/v1';
const configMap = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\n`;

beforeAll(async () => {
  const folder = await temporaryFolder('tokens');
  started.defer(() => folder.remove());
  tokenDir = folder.path;
  foreign = await receiveWebhooks();
  started.defer(() => foreign.close());
  const [storage, watcher] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const readsWith = (name: Consumer) => [
    `--artifact-token-file=${join(tokenDir, name)}`,
    `--artifact-token-hosts=${storage},${watcher}`,
  ];
  const servesAt = (address = '') => [
    `--storage-addr=${address}`,
    `--storage-adv-addr=${address}`,
    '--artifact-authentication=token',
    `--artifact-audience=${audience}`,
    `--artifact-readers=${consumers.map((name) => `${namespace}:${name}`)}`,
    '--log-level=debug',
  ];
  world = await startWorld({
    controllers: {
      names: consumers,
      natsUrl: '',
      extraArgs: {
        'source-controller': [
          ...servesAt(storage),
          ...readsWith('source-controller'),
          '--artifact-digest-algo=blake3',
        ],
        'source-watcher': [
          ...servesAt(watcher),
          ...readsWith('source-watcher'),
          '--artifact-digest-algo=sha384',
        ],
        'kustomize-controller': [...readsWith('kustomize-controller'), '--http-retry=0'],
        'helm-controller': readsWith('helm-controller'),
      },
    },
  });
  started.defer(() => world.stop());
  await world.apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
  for (const name of [...consumers, 'stranger']) {
    await world.apply({ ...coreV1('ServiceAccount'), metadata: { name, namespace } });
    tokens[name] = await tokenOf(name);
    await writeFile(join(tokenDir, name), tokens[name]);
  }
  await world.git.createRepo('app', {
    'app/settings.yaml': configMap('from-git'),
    'part/settings.yaml': configMap('from-part'),
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'chart/templates/settings.yaml': configMap('from-chart'),
  });
  const source = await ready({
    apiVersion: sources,
    kind: 'GitRepository',
    metadata: { namespace, name: 'app' },
    spec: { interval: '10m', url: world.git.url('app'), ref: { branch: 'main' } },
  });
  artifact = source.status?.artifact as Artifact;
}, stepMs);
afterAll(() => started.disposeAsync());

type Live = KubeObject & { status?: { artifact?: Artifact } };

/** Applies an object and waits until it is Ready. */
async function ready(object: object): Promise<Live> {
  const applied = await world.apply(object as KubeObject);
  const resource = await world.resource(applied);
  return until<Live>(world.client, resource, applied.metadata, isReady, { timeoutMs });
}

async function tokenOf(name: string, audiences: string[] = [audience]): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences, expirationSeconds: 3600 },
  };
  const answer = await world.client.request('POST', path, { body });
  return (answer as { status: { token: string } }).status.token;
}

const download = (token?: string, url = artifact.url) =>
  fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

const kustomization = (name: string, sourceRef: object, spec: object = {}) => ({
  apiVersion: kustomizations,
  kind: 'Kustomization',
  metadata: { namespace, name },
  spec: { interval: '10m', retryInterval: '1s', prune: true, sourceRef, ...spec },
});

/** An ExternalArtifact as whoever may write its status makes it. */
async function externalArtifact(name: string, url: string): Promise<void> {
  const object = await world.apply({
    apiVersion: sources,
    kind: 'ExternalArtifact',
    metadata: { namespace, name },
    spec: {},
  } as KubeObject);
  const digest = `sha256:${sha256Hex('never served')}`;
  const status = {
    artifact: { ...artifact, path: `externalartifact/${namespace}/${name}/a.tar.gz`, url, digest },
    conditions: [],
  };
  const options = { type: 'merge', subresource: 'status' } as const;
  await world.client.patch(await world.resource(object), object.metadata, { status }, options);
}

describe('an artifact', () => {
  test.each([
    { name: 'without a token', token: async () => undefined, status: 401 },
    { name: 'with garbage', token: async () => 'a.b.c', status: 401 },
    {
      name: 'with a token for the API server',
      token: () => tokenOf('helm-controller', []),
      status: 401,
    },
    {
      name: 'with a token for somebody else',
      token: () => tokenOf('helm-controller', ['x']),
      status: 401,
    },
    { name: 'with the token of another account', token: () => tokenOf('stranger'), status: 403 },
  ])('is not served $name: $status', async ({ token, status }) => {
    const answer = await download(await token());
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain('ustar');
    // What is not there is no secret to be found out, either.
    expect((await download(await token(), `${artifact.url}x`)).status).toBe(status);
  });

  test('is served to an account that may read it', async () => {
    const answer = await download(tokens['kustomize-controller']);
    const hash = await createHasher('blake3');
    hash.update(Buffer.from(await answer.arrayBuffer()));
    expect([answer.status, hash.digest()]).toEqual([200, artifact.digest]);
  });
});

describe('the controllers', () => {
  test(
    'download with their tokens what they apply, compose and package',
    async () => {
      const git = { kind: 'GitRepository', name: 'app' };
      await ready(kustomization('from-git', git, { path: './app' }));
      await ready({
        apiVersion: 'helm.toolkit.fluxcd.io/v2',
        kind: 'HelmRelease',
        metadata: { namespace, name: 'web' },
        spec: { interval: '10m', chart: { spec: { chart: './chart', sourceRef: git } } },
      });
      await ready({
        apiVersion: 'source.extensions.fluxcd.io/v1beta1',
        kind: 'ArtifactGenerator',
        metadata: { namespace, name: 'parts' },
        spec: {
          sources: [{ alias: 'app', ...git }],
          artifacts: [{ name: 'part', copy: [{ from: '@app/part/**', to: '@artifact/' }] }],
        },
      });
      const part = { kind: 'ExternalArtifact', name: 'part' };
      await ready(kustomization('from-part', part));
      const key = { namespace, name: 'part' };
      const { status } = await world.client.get<Live>(
        await world.resource({ apiVersion: sources, kind: 'ExternalArtifact' }),
        key,
      );
      expect(status?.artifact?.digest).toMatch(/^sha384:/);
      expect((await download(undefined, status?.artifact?.url)).status).toBe(401);
    },
    stepMs,
  );

  test(
    'show their tokens to nobody but the servers that the administrator has named',
    async () => {
      const { host } = new URL(artifact.url);
      const urls = {
        foreign: `${foreign.url}/a.tar.gz`,
        'as-user': `http://${host}@${new URL(foreign.url).host}/b.tar.gz`,
        redirected: `${foreign.url}/redirect`,
      };
      foreign.respond(({ path }) =>
        path === '/redirect'
          ? { status: 302, headers: { location: `${foreign.url}/c.tar.gz` } }
          : { status: 200, body: 'no archive' },
      );
      for (const [name, url] of Object.entries(urls)) {
        await externalArtifact(name, url);
        const sourceRef = { kind: 'ExternalArtifact', name };
        const applied = await world.apply(kustomization(name, sourceRef) as KubeObject);
        const resource = await world.resource(applied);
        const failed = await until(
          world.client,
          resource,
          applied.metadata,
          // It was asked for, and not only waited for.
          (object) => /artifact of revision/.test(conditionOf(object, 'Ready')?.message ?? ''),
          { timeoutMs },
        );
        expect(conditionOf(failed, 'Ready')?.reason).toBe('ArtifactFailed');
      }
      const paths = foreign.requests.map(({ path }) => path);
      expect(paths).toEqual(expect.arrayContaining(['/a.tar.gz', '/redirect']));
      for (const { headers } of foreign.requests) {
        expect(JSON.stringify(headers)).not.toContain(tokens['kustomize-controller']);
        expect(headers.authorization ?? '').not.toMatch(/^Bearer/);
      }
    },
    stepMs,
  );

  test('say who was turned away, and leave no token in what they write', async () => {
    const log = await world.controllers.processes['source-controller'].log();
    expect(log).toContainEqual(
      expect.objectContaining({
        msg: 'A reader of artifacts is refused',
        refusal: 'forbidden',
        user: `system:serviceaccount:${namespace}:stranger`,
      }),
    );
    const { pathname } = new URL(artifact.url);
    expect(log).toContainEqual(
      expect.objectContaining({ msg: 'Artifact download', path: pathname, status: 200 }),
    );
    const files = (await readdir(world.dir, { recursive: true })).filter((path) =>
      path.endsWith('log.jsonl'),
    );
    expect(files.length).toBe(consumers.length);
    for (const path of files) {
      expect(await readFile(join(world.dir, path), 'utf8')).not.toMatch(/eyJ[\w-]+\./);
    }
  });
});
