import { randomBytes } from 'node:crypto';
import {
  type Artifact,
  type ArtifactGenerator,
  apiVersionOf,
  artifactGeneratorKind,
  bucketKind,
  type ExternalArtifact,
  externalArtifactKind,
  gitRepositoryKind,
  helmChartKind,
  type KindDefinition,
  type KubeObject,
  ociRepositoryKind,
  reconcileRequestAnnotation,
  shardLabel,
} from '@sluice/shared/api';
import { readArchive } from '@sluice/shared/artifact';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import {
  type ArtifactFile,
  type ArtifactSource,
  assertStatusContract,
  type ControllerProcess,
  conditionOf,
  startArtifactSource,
  startControllers,
  temporaryFolder,
  testCluster,
  testNamespace,
  until,
} from '@sluice/testing';
import { request } from 'undici';

export type Spec = ArtifactGenerator['spec'];
export type SourceKind = Spec['sources'][number]['kind'];

export const generators = resourceOf(artifactGeneratorKind as KindDefinition);
export const externalArtifacts = resourceOf(externalArtifactKind as KindDefinition);

/** The kinds of sources besides ExternalArtifact, and a spec that each of them can have. */
const sources: Record<Exclude<SourceKind, 'ExternalArtifact'>, [KindDefinition, object]> = {
  GitRepository: [gitRepositoryKind as KindDefinition, { url: 'https://git.example.com/a' }],
  OCIRepository: [ociRepositoryKind as KindDefinition, { url: 'oci://registry.example.com/a' }],
  Bucket: [bucketKind as KindDefinition, { bucketName: 'a', endpoint: 'minio.example.com' }],
  HelmChart: [
    helmChartKind as KindDefinition,
    { chart: 'a', sourceRef: { kind: 'HelmRepository', name: 'a' } },
  ],
};

/** Files to publish as a revision of a source. */
export interface Publication {
  kind?: SourceKind;
  name?: string;
  revision: string;
  files: Record<string, ArtifactFile>;
  metadata?: Record<string, string>;
}

/** A running source-watcher that looks only at the objects made through this bed, and sources that the test writes. */
export interface WatcherBed {
  client: KubeClient;
  kubeconfigPath: string;
  namespace: string;
  process: ControllerProcess;
  /** Directory of the stored artifacts. */
  storage: string;
  /** Writes the artifact of a source, which is a GitRepository `repo` unless told, as its controller would. */
  publish(o: Publication): Promise<Artifact>;
  create(name: string, spec: Spec, ns?: string): Promise<ArtifactGenerator>;
  patch(name: string, patch: object): Promise<void>;
  remove(name: string): Promise<void>;
  get(name: string): Promise<ArtifactGenerator>;
  /** Asks for a reconcile and waits until it is handled. */
  request(name: string): Promise<ArtifactGenerator>;
  when(name: string, predicate: (object: ArtifactGenerator) => boolean): Promise<ArtifactGenerator>;
  /** Waits for Ready=True at the current generation, and checks the status contract. */
  ready(name: string): Promise<ArtifactGenerator>;
  /** Waits for Ready=False for the reason, and checks the status contract. */
  failed(name: string, reason: string): Promise<ArtifactGenerator>;
  output(name: string): Promise<ExternalArtifact>;
  /** Waits for a state of an output. */
  whenOutput(
    name: string,
    predicate: (object: ExternalArtifact) => boolean,
  ): Promise<ExternalArtifact>;
  stop(): Promise<void>;
}

export interface WatcherBedOptions {
  extraArgs?: string[];
  /** As whom the controller speaks to the API server; an administrator unless told. */
  kubeconfigPath?: string;
  /** Connects to the test run's NATS server, under this prefix. */
  natsPrefix?: string;
}

export async function startWatcherBed(options: WatcherBedOptions = {}): Promise<WatcherBed> {
  const { client, kubeconfigPath, natsUrl } = await testCluster();
  const namespace = await testNamespace(client, 'watcher');
  const folder = await temporaryFolder('watcher-bed');
  const shard = randomBytes(6).toString('hex');
  const source = await startArtifactSource({ client, namespace, dir: `${folder.path}/sources` });
  const controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath: options.kubeconfigPath ?? kubeconfigPath,
    natsUrl: options.natsPrefix === undefined ? '' : natsUrl,
    natsPrefix: options.natsPrefix,
    names: ['source-watcher'],
    extraArgs: {
      'source-watcher': [
        `--watch-label-selector=${shardLabel}=${shard}`,
        '--min-retry-delay=100ms',
        '--max-retry-delay=500ms',
        '--http-retry=1',
        ...(options.extraArgs ?? []),
      ],
    },
  });
  const process = controllers.processes['source-watcher'];
  if (process === undefined) throw new Error('source-watcher was not started');
  return {
    ...generatorsOf(client, namespace, shard),
    client,
    kubeconfigPath,
    namespace,
    process,
    storage: `${folder.path}/source-watcher/data`,
    publish: (o) => publish({ client, namespace, source }, o),
    output: (name) => client.get<ExternalArtifact>(externalArtifacts, { namespace, name }),
    whenOutput: (name, predicate) =>
      until<ExternalArtifact>(client, externalArtifacts, { namespace, name }, predicate),
    async stop() {
      await controllers.stop();
      await source.stop();
      await folder.remove();
    },
  };
}

/** What a test does with ArtifactGenerators. */
function generatorsOf(client: KubeClient, namespace: string, shard: string) {
  const keyOf = (name: string) => ({ namespace, name });
  const patch = async (name: string, change: object) => {
    await client.patch(generators, keyOf(name), change, { type: 'merge' });
  };
  const when = (name: string, predicate: (object: ArtifactGenerator) => boolean) =>
    until<ArtifactGenerator>(client, generators, keyOf(name), predicate);
  const settled = async (name: string, predicate: (object: ArtifactGenerator) => boolean) => {
    const object = await when(name, predicate);
    assertStatusContract(object);
    return object;
  };
  return {
    create: (name: string, spec: Spec, ns = namespace) =>
      client.create<ArtifactGenerator>(generators, {
        apiVersion: apiVersionOf(artifactGeneratorKind),
        kind: artifactGeneratorKind.kind,
        metadata: { name, namespace: ns, labels: { [shardLabel]: shard } },
        spec,
      }),
    patch,
    async remove(name: string) {
      await client.delete(generators, keyOf(name));
    },
    get: (name: string) => client.get<ArtifactGenerator>(generators, keyOf(name)),
    when,
    async request(name: string) {
      const at = randomBytes(6).toString('hex');
      await patch(name, { metadata: { annotations: { [reconcileRequestAnnotation]: at } } });
      return when(name, ({ status }) => status?.lastHandledReconcileAt === at);
    },
    ready: (name: string) =>
      settled(
        name,
        (object) =>
          conditionOf(object, 'Ready')?.status === 'True' &&
          object.status?.observedGeneration === object.metadata.generation,
      ),
    failed: (name: string, reason: string) =>
      settled(name, (object) => {
        const ready = conditionOf(object, 'Ready');
        return ready?.status === 'False' && ready.reason === reason;
      }),
  };
}

async function publish(
  { client, namespace, source }: { client: KubeClient; namespace: string; source: ArtifactSource },
  { kind = 'GitRepository', name = 'repo', revision, files, metadata }: Publication,
): Promise<Artifact> {
  if (kind === 'ExternalArtifact') return source.publish(files, { name, revision });
  // Its own file is all that is used of it.
  const made = await source.publish(files, { name: `${kind.toLowerCase()}-${name}`, revision });
  const artifact = { ...made, ...(metadata && { metadata }) };
  const [definition, spec] = sources[kind];
  const resource = resourceOf(definition);
  const object = {
    apiVersion: apiVersionOf(definition),
    kind,
    metadata: { name, namespace },
    spec: { interval: '1h', ...spec },
  } as KubeObject;
  await client.apply(resource, object, { fieldManager: 'test' });
  const options = { type: 'merge', subresource: 'status' } as const;
  await client.patch(resource, object.metadata, { status: { artifact } }, options);
  return artifact;
}

/** Downloads an artifact as consumers do. */
export async function download(artifact: Artifact | undefined): Promise<Buffer> {
  if (artifact === undefined) throw new Error('there is no artifact');
  const response = await request(artifact.url);
  const body = Buffer.from(await response.body.arrayBuffer());
  if (response.statusCode !== 200) throw new Error(`${artifact.url}: ${response.statusCode}`);
  return body;
}

/** The files of an output by path. */
export async function contentOf({ status }: ExternalArtifact): Promise<Record<string, string>> {
  const files = readArchive(await download(status?.artifact)) ?? [];
  return Object.fromEntries(files.map((file) => [file.path, file.content.toString('utf8')]));
}

/** A spec that makes one artifact of a source. */
export function oneOf(name: string, o: Partial<Spec['artifacts'][number]> = {}): Spec {
  return {
    sources: [{ alias: 'repo', kind: 'GitRepository', name: 'repo' }],
    artifacts: [{ name, copy: [{ from: '@repo/**', to: '@artifact/' }], ...o }],
  };
}
