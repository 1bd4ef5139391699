import { statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerProcess } from '../server-process.ts';
import { expand } from './environment.ts';
import type { PodImage } from './image.ts';
import type { Program } from './requirements.ts';
import { pathInRoot } from './root-path.ts';
import type { Container, Pod } from './types.ts';

interface Mount {
  /** On this machine. */
  source: string;
  /** In the container. */
  target: string;
  readOnly: boolean;
}

export interface ContainerOptions {
  pod: Pod;
  container: Container;
  image: PodImage;
  environment: Record<string, string>;
  /** Folder of each volume. */
  volumes: Record<string, string>;
  /** Files that the kubelet puts into each container: path in the container to path on this machine. */
  files: Record<string, string>;
  /** The process that holds the Pod's namespaces. */
  pause: number;
  dir: string;
  programs: Record<Program, string>;
}

/**
 * Prepares a container: a process with a mount and a process namespace of its own in the Pod's network, a read-only root
 * (unless its security context allows more), the user of the image or Pod, no capabilities and no way to get any.
 *
 * @throws Error when it would run as root although it must not, or names a volume that the Pod has not
 */
export async function prepareContainer(o: ContainerOptions): Promise<ServerProcess> {
  const { container, image, programs } = o;
  const dir = join(o.dir, container.name);
  await mkdir(join(dir, 'root'), { recursive: true });
  const script = join(dir, 'setup.sh');
  await writeFile(script, setupScript(o, join(dir, 'root')));
  const variables = o.environment;
  const command = [
    ...(container.command ?? image.entrypoint),
    ...(container.args ?? (container.command ? [] : (image.cmd ?? []))),
  ].map((word) => expand(word, variables));
  return new ServerProcess({
    file: programs.nsenter,
    args: [
      ...['--target', String(o.pause), '--net', '--uts', '--ipc', '--', programs.unshare],
      ...['--mount', '--propagation', 'private', '--pid', '--fork', '--'],
      ...[programs.sh, script, ...command],
    ],
    env: variables,
    logFile: join(dir, 'log'),
    isReady: async () => true,
  });
}

/** The id, as this machine sees it, of the process that a container runs; undefined while it has none. */
export async function mainPid(process: ServerProcess): Promise<number | undefined> {
  if (process.pid === undefined) return undefined;
  const path = `/proc/${process.pid}/task/${process.pid}/children`;
  const children = (await readFile(path, 'utf8')).split(' ').filter(Boolean);
  return children[0] === undefined ? undefined : Number(children[0]);
}

function setupScript(o: ContainerOptions, folder: string): string {
  const { programs, pod, image } = o;
  const root = join(folder, 'root');
  const { uid, gid, groups, readOnlyRoot } = identityOf(o);
  const mounts = mountsOf(o).map((mount) => mountLines(mount, image.rootfs, root, programs.mount));
  const devices = ['null', 'zero', 'full', 'random', 'urandom'].map(
    (name) => `: >${root}/dev/${name}; ${programs.mount} --bind /dev/${name} ${root}/dev/${name}`,
  );
  return `set -eu
umask 022
image_path=\${PATH-}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
echo ${quote(pod.spec.hostname ?? pod.metadata.name)} >/proc/sys/kernel/hostname
${programs.mount} -t tmpfs -o mode=755 tmpfs ${folder}
mkdir ${folder}/upper ${folder}/work ${root}
${programs.mount} -t overlay -o lowerdir=${image.rootfs},upperdir=${folder}/upper,workdir=${folder}/work overlay ${root}
mkdir -p ${root}/proc ${root}/dev
${programs.mount} -t proc proc ${root}/proc
${programs.mount} -t tmpfs -o mode=755 tmpfs ${root}/dev
${devices.join('\n')}
ln -s /proc/self/fd ${root}/dev/fd
${mounts.join('\n')}
${readOnlyRoot ? `${programs.mount} -o remount,bind,ro ${root}` : ''}
PATH=$image_path
unset PWD OLDPWD
# chroot needs its capabilities until it has changed the user, which takes them away.
exec ${programs.setpriv} --inh-caps=-all,+sys_chroot,+setuid,+setgid -- \\
  ${programs.setpriv} --bounding-set=-all --no-new-privs -- \\
  ${programs.chroot} --userspec=${uid}:${gid} --groups=${groups.join(',')} ${root} "$@"
`;
}

function identityOf({ pod, container, image }: ContainerOptions) {
  const context = { ...pod.spec.securityContext, ...container.securityContext };
  const uid = context.runAsUser ?? image.user.uid;
  const gid = context.runAsGroup ?? image.user.gid;
  if (context.runAsNonRoot && uid === 0) throw new Error(`${container.name}: must not run as root`);
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {};
  const groups = [...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup]), gid];
  return { uid, gid, groups, readOnlyRoot: context.readOnlyRootFilesystem ?? false };
}

function mountsOf({ container, image, volumes, files }: ContainerOptions): Mount[] {
  const fixed = { ...image.mounts, ...files };
  const own = Object.entries(fixed).map(([target, source]) => ({ source, target, readOnly: true }));
  const wanted = (container.volumeMounts ?? []).map((mount) => {
    const folder = volumes[mount.name];
    if (!folder) throw new Error(`${container.name}: there is no volume ${mount.name}`);
    return {
      source: join(folder, mount.subPath ?? ''),
      target: mount.mountPath,
      readOnly: mount.readOnly ?? false,
    };
  });
  // Outer before inner, so that none hides another.
  return [...own, ...wanted].sort((a, b) => a.target.length - b.target.length);
}

function mountLines(mount: Mount, rootfs: string, root: string, program: string): string {
  const source = quote(mount.source);
  const target = `${root}${quote(pathInRoot(rootfs, mount.target))}`;
  const make = statSync(mount.source).isDirectory()
    ? `mkdir -p ${target}`
    : `mkdir -p "$(dirname ${target})"; [ -e ${target} ] || : >${target}`;
  const lines = [make, `${program} --bind ${source} ${target}`];
  if (mount.readOnly) lines.push(`${program} -o remount,bind,ro ${target}`);
  return lines.join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
