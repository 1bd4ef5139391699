import { gunzipSync } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  coreResources,
  gvkOf,
  type KubeClient,
  NoKindMatchError,
} from '@sluice/shared/kube';
import { documentObjects, splitManifests } from '../../src/release/manifest.ts';

type Json = Record<string, unknown>;

/** The state of one release in the cluster, free of what cannot be the same twice. */
export interface View {
  /** Live objects by kind, namespace and name. */
  objects: Json;
  /** Release Secrets by name, decoded. */
  releases: Json;
}

/** Whose state to look at. */
export interface Scope {
  client: KubeClient;
  /** Namespace of the release. */
  namespace: string;
  /** All in which the release may have objects. */
  namespaces: string[];
  /** Kinds that a release of the case has had; grows. */
  kinds: Map<string, ApiResource>;
}

const time = 'TIME';
/** Written by the API server and by controllers. */
const serverFields = ['uid', 'resourceVersion', 'creationTimestamp', 'managedFields'];
/** How helm and the controller call themselves. */
const releaseManagers = ['helm', 'helm-controller'];
const ourLabels = /^(f:)?helm\.toolkit\.fluxcd\.io\//;
/** Of Jobs and their Pods; the API server gives them to a Job itself only if it has no labels of its own. */
const jobLabels = /^(batch\.kubernetes\.io\/)?(controller-uid|job-name)$/;

/** Reads numbers as they are written, so that none is rounded. */
function parseExactly(text: string): unknown {
  const exact = (_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' ? `number ${source}` : value;
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]);
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Goes through a JSON value; what the function returns takes the place of a field. */
function mapFields(value: unknown, change: (key: string, value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapFields(item, change));
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, mapFields(change(key, field), change)]),
  );
}

/** Replaces names and identities that differ by nature. */
function withoutNames(value: unknown, namespace: string, uid = 'no uid'): unknown {
  const text = JSON.stringify(value)
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(uid, 'UID')
    .replaceAll(/kube-api-access-\w{5}\b/g, 'kube-api-access');
  return JSON.parse(text);
}

const timeFields = ['first_deployed', 'last_deployed', 'deleted', 'started_at', 'completed_at'];
const decodedFields = ['templates', 'files'];

function decodeFile(file: unknown): unknown {
  if (!isMap(file) || typeof file['data'] !== 'string') return file;
  return { ...file, data: Buffer.from(file['data'], 'base64').toString() };
}

/** The words after this are the failure's, which are compared by their meaning. */
const failed = /^(.*?failed: ).*$/s;

function releaseView(secret: KubeObject, namespace: string): unknown {
  const { data, type } = secret as KubeObject & { data: { release: string }; type: string };
  const packed = Buffer.from(Buffer.from(data.release, 'base64').toString(), 'base64');
  const release = parseExactly(gunzipSync(packed).toString());
  const normal = mapFields(release, (key, value) => {
    if (timeFields.includes(key) && typeof value === 'string') return time;
    if (decodedFields.includes(key) && Array.isArray(value)) return value.map(decodeFile);
    if (key === 'description' && typeof value === 'string') return value.replace(failed, '$1');
    return value;
  });
  const labels = Object.fromEntries(
    Object.entries(secret.metadata.labels ?? {}).map(([key, value]) => [
      key,
      /^(created|modified)At$/.test(key) ? time : value,
    ]),
  );
  return withoutNames({ type, labels, release: normal }, namespace);
}

/** Objects that controllers and the API server make in every namespace, or for another object. */
function isIncidental({ kind, metadata }: KubeObject, secretType?: string): boolean {
  if (metadata.ownerReferences?.some(({ controller }) => controller)) return true;
  if (kind === 'ConfigMap' && metadata.name === 'kube-root-ca.crt') return true;
  if (kind === 'ServiceAccount' && metadata.name === 'default') return true;
  return secretType === 'helm.sh/release.v1';
}

/** What helm sends as `stringData` the controller sends as `data`. */
function dataOnly(fieldsV1: Json = {}): Json {
  const { 'f:stringData': texts, 'f:data': data, ...rest } = fieldsV1;
  const all = { ...(data as Json), ...(texts as Json) };
  return Object.keys(all).length === 0 ? rest : { ...rest, 'f:data': all };
}

/** Which fields the release owns. */
function ownedFields({ metadata }: KubeObject): unknown[] {
  return (metadata.managedFields ?? [])
    .filter(({ manager = '' }) => releaseManagers.includes(manager.toLowerCase()))
    .map(({ operation, subresource, fieldsV1 }) => ({
      operation,
      subresource,
      fieldsV1: withoutOurLabels(dataOnly(fieldsV1 as Json)),
    }));
}

function withoutOurLabels(value: unknown): unknown {
  if (!isMap(value)) return value;
  const entries = Object.entries(value)
    .filter(([key]) => !ourLabels.test(key) && !jobLabels.test(key))
    .map(([key, field]) => [key, withoutOurLabels(field)] as const)
    // What held nothing else was not there before.
    .filter(
      ([key, field]) =>
        !/^(f:)?(labels|metadata)$/.test(key) || Object.keys(field as Json).length > 0,
    );
  return Object.fromEntries(entries);
}

/** Fields that the API server fills in, differently each time. */
const allocated = ['clusterIP', 'clusterIPs', 'nodePort', 'nodeName'];

function objectView(object: KubeObject, namespace: string): unknown {
  const { status: _, metadata, ...rest } = object as KubeObject & { status?: unknown };
  const kept = Object.entries(metadata).filter(([key]) => !serverFields.includes(key));
  const body = mapFields({ ...rest, metadata: Object.fromEntries(kept) }, (key, value) =>
    allocated.includes(key) ? undefined : value,
  ) as Json;
  if (object.kind === 'Secret') {
    body['data'] = mapFields(body['data'], (_key, value) =>
      Buffer.from(String(value), 'base64').toString(),
    );
  }
  const owned = ownedFields(object);
  return withoutNames({ ...(withoutOurLabels(body) as Json), owned }, namespace, metadata.uid);
}

interface StoredRelease {
  manifest?: string;
  hooks?: { manifest: string }[];
}

interface Definition extends KubeObject {
  spec: {
    group: string;
    scope: string;
    names: { kind: string; plural: string };
    versions: { name: string; served: boolean }[];
  };
}

/**
 * Returns the resource of an object, if the cluster serves its kind. Discovery may list a kind later than it is served,
 * and the mapper asks it only now and then: the definitions themselves say for certain.
 */
async function servedResource(
  client: KubeClient,
  object: KubeObject,
): Promise<ApiResource | undefined> {
  const { group, version, kind } = gvkOf(object);
  const { items } = await client.list<Definition>(coreResources.customResourceDefinitions);
  const definition = items.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  if (definition?.spec.versions.some((one) => one.served && one.name === version)) {
    const { scope, names } = definition.spec;
    return { group, version, kind, plural: names.plural, namespaced: scope === 'Namespaced' };
  }
  return client.mapper.resourceFor({ group, version, kind }).catch((error: unknown) => {
    if (!(error instanceof NoKindMatchError)) throw error;
    return undefined;
  });
}

/** Notes the kinds of all objects that a stored release names. */
async function learnKinds({ client, kinds }: Scope, { manifest = '', hooks = [] }: StoredRelease) {
  const texts = [manifest, ...hooks.map((hook) => hook.manifest)];
  for (const document of texts.flatMap(splitManifests)) {
    for (const object of documentObjects(document, 'release')) {
      const key = `${object.apiVersion}/${object.kind}`;
      if (kinds.has(key)) continue;
      const resource = await servedResource(client, object);
      if (resource !== undefined) kinds.set(key, resource);
    }
  }
}

/** Lists the objects of a kind that can be of the release: in its namespaces, or with a name that holds theirs. */
async function listKind(scope: Scope, resource: ApiResource): Promise<KubeObject[]> {
  const { client, namespace, namespaces } = scope;
  const options = resource.namespaced ? namespaces.map((one) => ({ namespace: one })) : [{}];
  const lists = await Promise.all(options.map((o) => client.list<KubeObject>(resource, o)));
  return lists
    .flatMap(({ items }) => items)
    .filter(({ metadata }) => resource.namespaced || metadata.name.includes(namespace))
    .map((item) => ({ ...item, kind: resource.kind }));
}

async function listObjects(scope: Scope): Promise<KubeObject[]> {
  const lists = [...scope.kinds.values()].map((resource) => listKind(scope, resource));
  return (await Promise.all(lists)).flat();
}

/**
 * Looks at all objects of a release and at all that is stored of it. Made equal, because they cannot be the same twice:
 *
 * - everywhere: the name of the namespace;
 * - in records: times, and the words after `failed: ` in descriptions, which are compared by their meaning; files of
 *   the chart are decoded;
 * - in live objects: uid, resourceVersion, creationTimestamp, status; addresses, ports and nodes that are allocated;
 *   the labels by which the controller watches; the name of the field manager, but not the fields it owns; labels that
 *   the API server gives to Jobs; `stringData` counts as `data`; data of Secrets is decoded.
 */
export async function observe(scope: Scope): Promise<View> {
  const { client, namespace } = scope;
  const { items } = await client.list<KubeObject>(coreResources.secrets, {
    namespace,
    fieldSelector: 'type=helm.sh/release.v1',
  });
  const releases: Json = {};
  for (const secret of items) {
    const view = releaseView(secret, namespace) as { release: StoredRelease };
    releases[secret.metadata.name] = view;
    const original = JSON.parse(
      JSON.stringify(view.release).replaceAll('NAMESPACE', namespace),
    ) as StoredRelease;
    await learnKinds(scope, original);
  }
  const objects: Json = {};
  for (const object of await listObjects(scope)) {
    if (isIncidental(object, (object as { type?: string }).type)) continue;
    // The namespace itself has a label of its name only, and is not of the release.
    if (object.kind === 'Namespace' && object.metadata.name === namespace) continue;
    const { kind, metadata } = object;
    const key = [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
    objects[key.replaceAll(namespace, 'NAMESPACE')] = objectView(object, namespace);
  }
  return { objects, releases };
}
