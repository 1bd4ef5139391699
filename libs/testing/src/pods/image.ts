import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { controllerNames, type ProgramName } from '../controllers.ts';
import { toolPath } from '../tool-path.ts';

/** What a container runtime takes from an image. */
export interface PodImage {
  /** The root file system; it is never written to. `/` for the one of this machine. */
  rootfs: string;
  /** More files and directories, seen read-only: path in the container to path on this machine. */
  mounts?: Record<string, string>;
  /** The image's ENTRYPOINT; a container's `command` replaces it. */
  entrypoint: string[];
  /** The image's CMD; a container's `args` replace it, and its `command` drops it. */
  cmd?: string[];
  /** The image's ENV; a container's `env` comes on top. */
  env: Record<string, string>;
  /** The image's USER, numeric; a `runAsUser` of the Pod replaces it. */
  user: { uid: number; gid: number };
}

const nobody = { uid: 65534, gid: 65534 };
const binaries = '/usr/local/bin';
const programNames: readonly ProgramName[] = [...controllerNames, 'source-watcher'];

export interface LocalImagesOptions {
  /** Folder with a bundle per controller: `<folder>/<name>/main.mjs`. */
  bundles: string;
  /** Flags of Node that the image of a program sets before the file name. */
  nodeFlagsOf: (program: ProgramName) => readonly string[];
  /** Of Node. */
  nodeEnvironment: Record<string, string>;
}

/**
 * Images that consist of this machine's root file system, the bundles and the provisioned programs, with everything at
 * the paths that real images have it. An image is recognised by the last segment of its repository.
 *
 * @returns a function from an image reference to the image
 * @throws Error (from that function) for an image that is none of ours, and for a bundle that was not built
 */
export function localImages(o: LocalImagesOptions): (reference: string) => PodImage {
  return (reference) => {
    const name = repositoryName(reference);
    if (name === 'nats') return natsImage();
    const program = programNames.find((one) => one === name);
    if (program !== undefined) return controllerImage(program, o);
    throw new Error(
      `there is no image ${reference}: it is neither a controller's nor that of NATS`,
    );
  };
}

/** The last segment of the repository: `source-controller` of `registry.example.com/sluice/source-controller:v1@sha256:…`. */
export function repositoryName(reference: string): string {
  const repository = (reference.split('@')[0] as string).replace(/:[^/]*$/, '');
  return repository.slice(repository.lastIndexOf('/') + 1);
}

function controllerImage(name: ProgramName, o: LocalImagesOptions): PodImage {
  const bundle = join(o.bundles, name);
  if (!existsSync(join(bundle, 'main.mjs'))) throw new Error(`${bundle} holds no bundle`);
  return {
    rootfs: '/',
    mounts: {
      '/app': bundle,
      [`${binaries}/node`]: process.execPath,
      [`${binaries}/kustomize-builder`]: toolPath('kustomize-builder'),
      [`${binaries}/helm-renderer`]: toolPath('helm-renderer'),
      [`${binaries}/notation-verifier`]: toolPath('notation-verifier'),
    },
    entrypoint: [`${binaries}/node`, ...o.nodeFlagsOf(name), '/app/main.mjs'],
    env: { PATH: `${binaries}:/usr/bin:/bin`, ...o.nodeEnvironment },
    user: nobody,
  };
}

function natsImage(): PodImage {
  return {
    rootfs: '/',
    mounts: { [`${binaries}/nats-server`]: toolPath('nats-server') },
    entrypoint: [`${binaries}/nats-server`],
    cmd: ['--config', '/etc/nats/nats-server.conf'],
    env: { PATH: `${binaries}:/usr/bin:/bin` },
    user: nobody,
  };
}
