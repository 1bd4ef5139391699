import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Artifact, KubeObject } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { coreResources } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import {
  type ControllerProcess,
  freePorts,
  type GitRepository,
  startControllers,
  until,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { coreV1 } from './objects.ts';
import { type LocalWorld, startWorld, timeoutMs } from './world.ts';

const namespace = 'replicated';
const stepMs = 180_000;
const leaseNamespace = 'default';
const election = [
  '--enable-leader-election',
  '--leader-election-lease-duration=15s',
  '--leader-election-renew-deadline=12s',
  '--leader-election-retry-period=1s',
];

/** A replica, with a storage of its own. */
interface Replica {
  /** Where it serves. */
  address: string;
  process: ControllerProcess;
}

const started = new AsyncDisposableStack();
let world: LocalWorld;
let repository: GitRepository;
let replicas: [Replica, Replica];

beforeAll(async () => {
  const addresses = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const [a = '', b = ''] = addresses;
  const service = await startService(addresses);
  const argsOf = (address: string) => [
    ...election,
    `--storage-addr=${address}`,
    `--storage-adv-addr=${service}`,
  ];
  world = await startWorld({
    controllers: {
      names: ['source-controller', 'kustomize-controller'],
      namespace: leaseNamespace,
      natsUrl: '',
      extraArgs: { 'source-controller': argsOf(a) },
    },
  });
  started.defer(() => world.stop());
  // It is Ready, although it does not lead, or this would not end.
  const second = await startControllers({
    dir: join(world.dir, 'second'),
    kubeconfigPath: world.controlPlane.kubeconfigPath,
    namespace: leaseNamespace,
    natsUrl: '',
    names: ['source-controller'],
    extraArgs: { 'source-controller': argsOf(b) },
  });
  started.defer(() => second.stop());
  replicas = [
    { address: a, process: world.controllers.processes['source-controller'] },
    { address: b, process: second.processes['source-controller'] },
  ];
  await world.apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
  repository = await world.git.createRepo('app', { 'settings.yaml': settings('blue') });
}, stepMs);
afterAll(() => started.disposeAsync());

/** As a Service does: connects to the replicas in turn, and to the next one when one does not listen. */
async function startService(addresses: string[]): Promise<string> {
  let turn = 0;
  const open = new Set<Socket>();
  const attach = (client: Socket, tries: number) => {
    const [host = '', port = ''] = (addresses[turn++ % addresses.length] ?? '').split(':');
    const server = connect(Number(port), host);
    open.add(server);
    server.once('connect', () => client.pipe(server).pipe(client));
    server.once('error', () => (tries > 1 ? attach(client, tries - 1) : client.destroy()));
    server.once('close', () => open.delete(server));
    client.once('close', () => server.destroy());
  };
  const proxy: Server = createServer((client) => {
    client.on('error', () => client.destroy());
    attach(client, addresses.length);
  });
  const [port = 0] = await freePorts(1);
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve));
  started.defer(() => {
    for (const socket of open) socket.destroy();
    proxy.close();
  });
  return `127.0.0.1:${port}`;
}

const settings = (color: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: ${namespace}\ndata:\n  color: ${color}\n`;

type Live = KubeObject & { status?: { artifact?: Artifact; lastAppliedRevision?: string } };
type Settings = KubeObject & { data: { color: string } };

const key = { namespace, name: 'app' };
const source = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: key,
};
const kustomization = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: key,
};

async function when<T extends KubeObject>(
  of: { apiVersion: string; kind: string },
  at: { namespace: string; name: string },
  predicate: (object: T) => boolean,
): Promise<T> {
  return until<T>(world.client, await world.resource(of), at, predicate, { timeoutMs });
}

const settingsWith = (color: string) =>
  when<Settings>(
    coreV1('ConfigMap'),
    { namespace, name: 'settings' },
    (o) => o.data.color === color,
  );

const digestAt = async (address: string, artifact: Artifact | undefined) => {
  const answer = await fetch(`http://${address}/${artifact?.path}`);
  const body = Buffer.from(await answer.arrayBuffer());
  return answer.ok ? `sha256:${sha256Hex(body)}` : answer.status;
};

/** The replica that leads, once the Lease says that it serves, and the other one. */
async function roles(isNew: (leader: Replica) => boolean = () => true) {
  const annotation = 'leader.sluice.dev/address';
  const name = 'source-controller-leader-election';
  const leaderOf = (lease: KubeObject) =>
    replicas.find(({ address }) => address === lease.metadata.annotations?.[annotation]);
  const lease = await until(
    world.client,
    coreResources.leases,
    { namespace: leaseNamespace, name },
    (each) => {
      const leader = leaderOf(each);
      return leader !== undefined && isNew(leader);
    },
    { timeoutMs },
  );
  const leader = leaderOf(lease) as Replica;
  return { leader, follower: replicas.find((each) => each !== leader) as Replica };
}

test(
  'a replica that does not lead is Ready, and serves what the leader has',
  async () => {
    const url = world.git.url('app');
    const spec = { interval: '10m', url, ref: { branch: 'main' } };
    await world.apply({ ...source, spec } as KubeObject);
    const sourceRef = { kind: 'GitRepository', name: 'app' };
    const applied = { interval: '10m', retryInterval: '1s', prune: true, sourceRef };
    await world.apply({ ...kustomization, spec: applied } as KubeObject);
    const { artifact } = (await when<Live>(source, key, isReady)).status ?? {};
    await when<Live>(kustomization, key, isReady);
    const { leader, follower } = await roles();
    expect(await digestAt(leader.address, artifact)).toBe(artifact?.digest);
    await expect
      .poll(() => digestAt(follower.address, artifact), { timeout: timeoutMs })
      .toBe(artifact?.digest);
    const missing = { ...artifact, path: `${artifact?.path}x` } as Artifact;
    await expect.poll(() => digestAt(follower.address, missing), { timeout: timeoutMs }).toBe(404);
  },
  stepMs,
);

test(
  'when the leader is killed, the other makes its artifacts again, and nothing that was applied is deleted',
  async () => {
    const before = await settingsWith('blue');
    const { artifact } = (await when<Live>(source, key, isReady)).status ?? {};
    const { leader, follower } = await roles();
    await leader.process.kill();
    await roles(({ address }) => address === follower.address);
    await expect
      .poll(() => digestAt(follower.address, artifact), { timeout: timeoutMs })
      .toBe(artifact?.digest);
    const revision = `main@sha1:${await repository.commit({ files: { 'settings.yaml': settings('green') } })}`;
    const annotations = { 'reconcile.fluxcd.io/requestedAt': revision };
    await world.client.patch(
      await world.resource(source),
      key,
      { metadata: { annotations } },
      { type: 'merge' },
    );
    const after = await settingsWith('green');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.metadata.deletionTimestamp).toBeUndefined();
    await when<Live>(
      kustomization,
      key,
      (object) => isReady(object) && object.status?.lastAppliedRevision === revision,
    );
    // The former leader comes back, has old artifacts at most, and serves the new ones.
    await leader.process.start();
    const { artifact: newest } = (await when<Live>(source, key, isReady)).status ?? {};
    await expect
      .poll(() => digestAt(leader.address, newest), { timeout: timeoutMs })
      .toBe(newest?.digest);
  },
  stepMs,
);
