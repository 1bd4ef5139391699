import { randomBytes } from 'node:crypto';
import {
  type Artifact,
  apiVersionOf,
  type Bucket,
  bucketKind,
  type GitRepository,
  gitRepositoryKind,
  type HelmChart,
  type HelmRepository,
  helmChartKind,
  helmRepositoryKind,
  type KindDefinition,
  type KubeObject,
  type OCIRepository,
  ociRepositoryKind,
  reconcileRequestAnnotation,
  shardLabel,
} from '@sluice/shared/api';
import { readArchive } from '@sluice/shared/artifact';
import { coreResources, type KubeClient, resourceOf } from '@sluice/shared/kube';
import {
  assertStatusContract,
  type ControllerProcess,
  conditionOf,
  startControllers,
  temporaryFolder,
  testCluster,
  testNamespace,
  type UntilOptions,
  until,
  untilGone,
} from '@sluice/testing';
import { request } from 'undici';

export { conditionOf } from '@sluice/testing';

type Source = Bucket | GitRepository | OCIRepository | HelmRepository | HelmChart;

const kinds = {
  Bucket: bucketKind,
  GitRepository: gitRepositoryKind,
  OCIRepository: ociRepositoryKind,
  HelmRepository: helmRepositoryKind,
  HelmChart: helmChartKind,
};

/** A running source-controller that looks only at the objects made through this bed. */
export interface SourceBed {
  client: KubeClient;
  namespace: string;
  process: ControllerProcess;
  /** Directory of the stored artifacts. */
  storage: string;
  /** Objects are made in the bed's namespace, unless another one is given. */
  createGit(
    name: string,
    spec: Partial<GitRepository['spec']>,
    ns?: string,
  ): Promise<GitRepository>;
  createOci(
    name: string,
    spec: Partial<OCIRepository['spec']>,
    ns?: string,
  ): Promise<OCIRepository>;
  createHelm(
    name: string,
    spec: Partial<HelmRepository['spec']>,
    ns?: string,
  ): Promise<HelmRepository>;
  createBucket(name: string, spec: Partial<Bucket['spec']>): Promise<Bucket>;
  createChart(name: string, spec: Partial<HelmChart['spec']>): Promise<HelmChart>;
  createSecret(name: string, values: Record<string, string | Buffer>, type?: string): Promise<void>;
  patchSpec(object: Source, spec: object): Promise<void>;
  /** Asks for a reconcile and waits until it is handled. */
  request<T extends Source>(object: T): Promise<T>;
  /** Waits until it does not exist any more. */
  gone(object: Source): Promise<void>;
  until<T extends Source>(
    object: T,
    predicate: (object: T) => boolean,
    options?: UntilOptions,
  ): Promise<T>;
  /** Waits for Ready=True at the current generation with an artifact, and checks the status contract. */
  ready<T extends Source>(object: T, revision?: string, options?: UntilOptions): Promise<T>;
  /** Waits for Ready=False for the reason, and checks the status contract. */
  failed<T extends Source>(object: T, reason: string, options?: UntilOptions): Promise<T>;
  stop(): Promise<void>;
}

export interface SourceBedOptions {
  extraArgs?: string[];
  /** False: the servers of tests are as out of reach as in a cluster. */
  localNetwork?: boolean;
  /** Connects to the test run's NATS server, under this prefix. */
  natsPrefix?: string;
}

export async function startSourceBed(options: SourceBedOptions = {}): Promise<SourceBed> {
  const { client, kubeconfigPath, natsUrl } = await testCluster();
  const namespace = await testNamespace(client, 'source');
  const folder = await temporaryFolder('source-bed');
  const shard = randomBytes(6).toString('hex');
  const controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath,
    natsUrl: options.natsPrefix === undefined ? '' : natsUrl,
    natsPrefix: options.natsPrefix,
    names: ['source-controller'],
    localNetwork: options.localNetwork,
    extraArgs: {
      'source-controller': [
        `--watch-label-selector=${shardLabel}=${shard}`,
        '--min-retry-delay=100ms',
        '--max-retry-delay=500ms',
        ...(options.extraArgs ?? []),
      ],
    },
  });
  const resource = (object: Source) =>
    resourceOf(kinds[object.kind as keyof typeof kinds] as KindDefinition);
  const create = async <T extends Source>(
    kind: KindDefinition<T>,
    name: string,
    spec: object,
    inNamespace = namespace,
  ) => {
    const object = {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { name, namespace: inNamespace, labels: { [shardLabel]: shard } },
      spec: { interval: '1h', ...spec },
    };
    return client.create<T>(resourceOf(kind as KindDefinition), object as unknown as T);
  };
  const bed: SourceBed = {
    client,
    namespace,
    process: controllers.processes['source-controller'],
    storage: `${folder.path}/source-controller/data`,
    createGit: (name, spec, ns) => create(gitRepositoryKind, name, spec, ns),
    createOci: (name, spec, ns) => create(ociRepositoryKind, name, spec, ns),
    createHelm: (name, spec, ns) => create(helmRepositoryKind, name, spec, ns),
    createBucket: (name, spec) => create(bucketKind, name, spec),
    createChart: (name, spec) => create(helmChartKind, name, spec),
    async createSecret(name, values, type) {
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace },
        type: type ?? 'Opaque',
        data: Object.fromEntries(
          Object.entries(values).map(([key, value]) => [
            key,
            Buffer.from(value).toString('base64'),
          ]),
        ),
      };
      await client.create(coreResources.secrets, secret as KubeObject);
    },
    async patchSpec(object, spec) {
      await client.patch(resource(object), object.metadata, { spec }, { type: 'merge' });
    },
    async request(object) {
      const at = new Date().toISOString() + randomBytes(3).toString('hex');
      const metadata = { annotations: { [reconcileRequestAnnotation]: at } };
      await client.patch(resource(object), object.metadata, { metadata }, { type: 'merge' });
      return bed.until(object, (o) => o.status?.lastHandledReconcileAt === at);
    },
    gone: (object) => untilGone(client, resource(object), object.metadata),
    until: (object, predicate, options) =>
      until(client, resource(object), object.metadata, predicate, options),
    async ready(object, revision, options) {
      const isReady = (o: typeof object) =>
        conditionOf(o, 'Ready')?.status === 'True' &&
        o.status?.observedGeneration === o.metadata.generation &&
        (revision === undefined || o.status?.artifact?.revision === revision);
      const found = await bed.until(object, isReady, options);
      assertStatusContract(found);
      return found;
    },
    async failed(object, reason, options) {
      const isFailed = (o: typeof object) => {
        const ready = conditionOf(o, 'Ready');
        return ready?.status === 'False' && ready.reason === reason;
      };
      const found = await bed.until(object, isFailed, options);
      assertStatusContract(found);
      return found;
    },
    async stop() {
      await controllers.stop();
      await folder.remove();
    },
  };
  return bed;
}

/** Downloads an artifact as consumers do. */
export async function download(artifact: Artifact | undefined): Promise<Buffer> {
  if (artifact === undefined) throw new Error('there is no artifact');
  const response = await request(artifact.url);
  const body = Buffer.from(await response.body.arrayBuffer());
  if (response.statusCode !== 200) throw new Error(`${artifact.url}: ${response.statusCode}`);
  return body;
}

/** The files of an artifact by path. */
export async function filesOf(artifact: Artifact | undefined): Promise<Record<string, string>> {
  const files = readArchive(await download(artifact)) ?? [];
  return Object.fromEntries(files.map((file) => [file.path, file.content.toString('utf8')]));
}
