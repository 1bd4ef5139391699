import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiAccess, expectSuccess } from '../api-access.ts';
import { dataOf, fieldOf } from './environment.ts';
import type { Pod, ProjectedSource, Volume } from './types.ts';

interface File {
  path: string;
  content: Buffer;
  mode: number;
}

const defaultFileMode = 0o644;
const waitMs = 20_000;

/**
 * Makes the volumes of a Pod as folders on this machine, with the owners and modes that the kubelet gives them.
 *
 * @returns the folder of each volume by its name
 * @throws Error naming the volume that cannot be made
 */
export async function makeVolumes(
  api: ApiAccess,
  pod: Pod,
  dir: string,
): Promise<Record<string, string>> {
  const folders: Record<string, string> = {};
  for (const volume of pod.spec.volumes ?? []) {
    try {
      folders[volume.name] = await makeVolume(api, pod, volume, join(dir, volume.name));
    } catch (error) {
      throw new Error(`volume ${volume.name}: ${(error as Error).message}`);
    }
  }
  return folders;
}

async function makeVolume(api: ApiAccess, pod: Pod, volume: Volume, dir: string): Promise<string> {
  if (volume.persistentVolumeClaim) {
    const { claimName } = volume.persistentVolumeClaim;
    const folder = await claimed(api, pod.metadata.namespace as string, claimName);
    return giveToGroup(pod, folder, 0o775);
  }
  await mkdir(dir, { recursive: true });
  if (volume.emptyDir) return giveToGroup(pod, dir, 0o777);
  for (const file of await filesOf(api, pod, volume)) await writeOne(pod, dir, file);
  return dir;
}

async function giveToGroup(pod: Pod, folder: string, mode: number): Promise<string> {
  const group = pod.spec.securityContext?.fsGroup;
  if (group !== undefined) await chown(folder, 0, group);
  await chmod(folder, group === undefined ? mode : mode | 0o2000);
  return folder;
}

/** The kubelet lets the Pod's group read what its modes would hide from it. */
async function writeOne(pod: Pod, dir: string, file: File): Promise<void> {
  const path = join(dir, file.path);
  const group = pod.spec.securityContext?.fsGroup;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file.content);
  await chmod(path, group === undefined ? file.mode : file.mode | 0o440);
  if (group !== undefined) await chown(path, 0, group);
}

async function filesOf(api: ApiAccess, pod: Pod, volume: Volume): Promise<File[]> {
  const { secret, configMap, projected } = volume;
  if (secret) {
    const mode = secret.defaultMode ?? defaultFileMode;
    return dataFiles(api, pod, { secret: { ...secret, name: secret.secretName } }, mode);
  }
  if (configMap) {
    return dataFiles(api, pod, { configMap }, configMap.defaultMode ?? defaultFileMode);
  }
  if (!projected) throw new Error(`of a type that is not known to the test node`);
  const mode = projected.defaultMode ?? defaultFileMode;
  const files = projected.sources.map((source) => projectedFiles(api, pod, source, mode));
  return (await Promise.all(files)).flat();
}

async function projectedFiles(
  api: ApiAccess,
  pod: Pod,
  source: ProjectedSource,
  mode: number,
): Promise<File[]> {
  if (source.serviceAccountToken) {
    const { path, ...wanted } = source.serviceAccountToken;
    const content = Buffer.from(await requestToken(api, pod, wanted));
    return [{ path, content, mode }];
  }
  if (source.downwardAPI) {
    return source.downwardAPI.items.map((item) => ({
      path: item.path,
      content: Buffer.from(fieldOf(pod, item.fieldRef?.fieldPath ?? '')),
      mode: item.mode ?? mode,
    }));
  }
  return dataFiles(api, pod, source, mode);
}

async function dataFiles(
  api: ApiAccess,
  pod: Pod,
  { secret, configMap }: Pick<ProjectedSource, 'secret' | 'configMap'>,
  mode: number,
): Promise<File[]> {
  const ref = secret ?? configMap;
  if (!ref) throw new Error('a source of a type that is not known to the test node');
  const key = { namespace: pod.metadata.namespace as string, name: ref.name };
  const read = () => dataOf(api, secret ? 'secrets' : 'configmaps', key);
  const data = ref.optional ? ((await read()) ?? {}) : await waitFor(key.name, read);
  const all = Object.keys(data).map((name) => ({ key: name, path: name, mode }));
  const items: { key: string; path: string; mode?: number }[] = ref.items ?? all;
  return items.map((item) => {
    const content = data[item.key];
    if (!content) throw new Error(`there is no key ${item.key} in ${key.name}`);
    return { path: item.path, content, mode: item.mode ?? mode };
  });
}

/** The kubelet tries again until a Secret or ConfigMap exists, or a claim is bound. */
async function waitFor<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what} was not there after ${waitMs} ms`);
    await delay(50);
  }
}

async function requestToken(
  api: ApiAccess,
  pod: Pod,
  wanted: { audience?: string; expirationSeconds?: number },
): Promise<string> {
  const account = pod.spec.serviceAccountName ?? 'default';
  const { namespace, name, uid } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const reply = await api.send('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      ...(wanted.audience && { audiences: [wanted.audience] }),
      expirationSeconds: wanted.expirationSeconds ?? 3600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  });
  expectSuccess(reply, `token of ServiceAccount ${namespace}/${account}`);
  return (reply.body as { status: { token: string } }).status.token;
}

/** The folder behind a claim, which must be bound to a volume of type `hostPath`. */
async function claimed(api: ApiAccess, namespace: string, name: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
  const volume = await waitFor(`a volume for the claim ${name}`, async () => {
    const { body } = await api.send('GET', path);
    return (body as { spec?: { volumeName?: string } }).spec?.volumeName;
  });
  const { body } = await api.send('GET', `/api/v1/persistentvolumes/${volume}`);
  const folder = (body as { spec: { hostPath?: { path: string } } }).spec.hostPath?.path;
  if (!folder) throw new Error(`the volume ${volume} is not of type hostPath`);
  return folder;
}
