import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { helmReleaseNameLabel, type KubeObject } from '@sluice/shared/api';
import { SecretMasker, Semaphore, silentLogger, systemClock } from '@sluice/shared/base';
import { AwaitedKinds, Cluster, createLiveObjects, NamedWatches } from '@sluice/shared/engine';
import {
  type ApiResource,
  coreResources,
  createKubeClient,
  gvkOf,
  isNotFound,
  type KubeClient,
  loadKubeConfig,
  type RequestInfo,
} from '@sluice/shared/kube';
import { testCluster, testNamespace, toolPath, until } from '@sluice/testing';
import type { ActionContext } from '../../src/action/context.ts';
import { HeldObjects } from '../../src/action/held-objects.ts';
import { helmIdentity } from '../../src/action/identity.ts';
import { type InstallOptions, install } from '../../src/action/install.ts';
import { type UpgradeOptions, upgrade } from '../../src/action/upgrade.ts';
import { Waits } from '../../src/action/waits.ts';
import type { Release } from '../../src/release/release.ts';
import { createReleaseCache, openReleaseStorage } from '../../src/release/storage.ts';
import type { Doc } from './objects.ts';
import { wrapped } from './wrapped-client.ts';

const run = promisify(execFile);

/** Everything that actions of one test file need. */
export interface Bed {
  client: KubeClient;
  namespace: string;
  ctx: ActionContext;
  /** Requests since the last call, without watches and discovery, as `VERB code`. */
  requests(): string[];
  /** Runs the helm CLI in the namespace and returns what it prints. */
  helm(...args: string[]): Promise<string>;
  /** Creates an object in the namespace, as somebody else. */
  create(object: Doc): Promise<KubeObject>;
  /** Changes an object of the core group as somebody else, and waits until the shared watches have seen it. */
  patch(kind: string, name: string, patch: object): Promise<void>;
  /** Takes the finalizers off a ConfigMap. */
  free(name: string): Promise<void>;
  /** Waits for a state of an object of the core group. */
  until(kind: string, name: string, predicate: (object: KubeObject) => boolean): Promise<void>;
  /** Runs an action and returns its requests in order. */
  calls(act: (ctx: ActionContext) => Promise<unknown>): Promise<string[]>;
  /** Runs an action and returns which objects it has deleted, in order. */
  deletions(act: (ctx: ActionContext) => Promise<unknown>): Promise<string[]>;
  /** Returns an object of the namespace; undefined when it does not exist. */
  find<T extends KubeObject>(
    apiVersion: string,
    kind: string,
    name: string,
  ): Promise<T | undefined>;
  stop(): Promise<void>;
}

/** Makes a namespace, a client that counts, and watches. */
export async function startBed(prefix = 'action'): Promise<Bed> {
  const shared = await testCluster();
  const namespace = await testNamespace(shared.client, prefix);
  let seen: RequestInfo[] = [];
  const client = createKubeClient(loadKubeConfig({ path: shared.kubeconfigPath }), {
    qps: 2000,
    burst: 4000,
    userAgent: 'sluice-test',
    onRequest: (info) => seen.push(info),
  });
  const identity = helmIdentity([]);
  const labelSelector = helmReleaseNameLabel;
  const watches = createLiveObjects({ client, labelSelector, identity });
  const held = new HeldObjects();
  const owner = { name: 'app', namespace };
  const cluster = new Cluster({
    live: watches,
    identity,
    inventories: (_, id) => held.has(id),
    kinds: new AwaitedKinds({ client, logger: silentLogger, onServed: () => undefined }),
    named: new NamedWatches({ logger: silentLogger }),
  });
  const live = cluster.liveOf(owner, client);
  const cache = createReleaseCache(1 << 20);
  const ctx: ActionContext = {
    owner,
    client,
    cluster,
    live,
    held,
    storage: openReleaseStorage({ client, namespace, cache, clock: systemClock }),
    slots: new Semaphore(4),
    clock: systemClock,
    logger: silentLogger,
    signal: new AbortController().signal,
    identity,
    healthRules: { field: 'spec.healthCheckExprs', exprs: undefined },
    concurrency: 4,
    masker: new SecretMasker(),
    driftIgnore: [],
    protection: () => undefined,
    waits: new Waits(),
  };
  const calls = async (act: (ctx: ActionContext) => Promise<unknown>) => {
    const made: string[] = [];
    await act({ ...ctx, client: wrapped(client, { before: (call) => made.push(call) }) });
    return made;
  };
  return {
    client,
    namespace,
    ctx,
    requests() {
      const taken = seen;
      seen = [];
      return taken.map(({ method, code }) => `${method} ${code}`);
    },
    async create(object) {
      const resource = await client.mapper.resourceFor(gvkOf(object));
      const named = { ...object, metadata: { name: '', namespace, ...object.metadata } };
      return client.create<KubeObject>(resource, named, { fieldManager: 'somebody' });
    },
    async helm(...args) {
      const all = [...args, '--namespace', namespace, '--kubeconfig', shared.kubeconfigPath];
      return (await run(toolPath('helm'), all)).stdout;
    },
    async patch(kind, name, patch) {
      const resource = await client.mapper.resourceFor({ group: '', version: 'v1', kind });
      const key = { namespace, name };
      const { metadata } = await client.patch<KubeObject>(resource, key, patch, { type: 'merge' });
      const { promise, resolve } = Promise.withResolvers<void>();
      const check = () => {
        const seen = watches.get(resource, key)?.metadata.resourceVersion;
        if (Number(seen) >= Number(metadata.resourceVersion)) resolve();
      };
      const stop = watches.onChange(check);
      check();
      await promise;
      stop();
    },
    async free(name) {
      const patch = { metadata: { finalizers: null } };
      await client.patch(configMaps, { namespace, name }, patch, { type: 'merge' });
    },
    async until(kind, name, predicate) {
      const resource = await client.mapper.resourceFor({ group: '', version: 'v1', kind });
      await until<KubeObject>(client, resource, { namespace, name }, predicate);
    },
    calls,
    async deletions(act) {
      const deletions = (await calls(act)).filter((call) => call.startsWith('delete '));
      return deletions.map((call) => call.slice('delete '.length));
    },
    async find<T extends KubeObject>(apiVersion: string, kind: string, name: string) {
      const resource = await client.mapper.resourceFor(gvkOf({ apiVersion, kind }));
      try {
        return await client.get<T>(resource, { namespace, name });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async stop() {
      await watches.stop();
      await client.close();
    },
  };
}

export const jobs: ApiResource = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};
export const { configMaps, pods, deployments } = coreResources;

export const installOptions: InstallOptions = {
  timeoutMs: 30_000,
  disableHooks: false,
  waitStrategy: 'poller',
  disableWait: false,
  disableWaitForJobs: false,
  takeOwnership: true,
  createNamespace: false,
  replace: false,
};

export const upgradeOptions: UpgradeOptions = {
  timeoutMs: 30_000,
  disableHooks: false,
  waitStrategy: 'poller',
  disableWait: false,
  disableWaitForJobs: false,
  takeOwnership: true,
  force: false,
  sendsAll: false,
  cleanupOnFail: false,
  maxHistory: 5,
};

/** Installs a release with the usual options. */
export function installed(
  { ctx }: Bed,
  release: Release,
  options: Partial<InstallOptions> = {},
): Promise<Release> {
  const request = {
    release,
    last: undefined,
    options: { ...installOptions, ...options },
  };
  return install(ctx, request);
}

/** Upgrades to a release with the usual options. */
export function upgraded(
  { ctx }: Bed,
  current: Release,
  release: Release,
  options: Partial<UpgradeOptions> = {},
): Promise<Release> {
  const version = Math.max(release.version, current.version + 1);
  const next = { ...release, version };
  const request = { release: next, current, options: { ...upgradeOptions, ...options } };
  return upgrade(ctx, request);
}
