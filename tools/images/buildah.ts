import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const outputBytes = 64 * 1024 * 1024;
const database = '/var/lib/dpkg';
const baseName = 'localhost/sluice-base';

/** Why images cannot be built on this machine; undefined when they can. */
export async function cannotBuildImages(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to mount the layers of images';
  const isDebian = await access(join(database, 'status')).then(
    () => true,
    () => false,
  );
  if (!isDebian) return 'needs a Debian, whose libraries go into the images';
  const installed = await run('buildah', ['--version']).then(
    () => true,
    () => false,
  );
  return installed ? undefined : 'needs buildah: apt-get install --no-install-recommends buildah';
}

/** What a container runtime reads from an image. */
export interface ImageConfig {
  User: string;
  Entrypoint: string[];
  Env: string[];
  Labels: Record<string, string>;
  /** Digests of the layers, uncompressed, the lowest first. */
  layers: string[];
}

/**
 * A store of images with a builder, in a directory of its own. It needs no daemon and no registry: the base image is the
 * system of this machine, seen read-only.
 */
export class Buildah {
  readonly #dir: string;
  #driver: 'overlay' | 'vfs' = 'overlay';

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes the base image, in which `node` is the one that runs this. */
  async prepare(): Promise<void> {
    try {
      await this.#makeBase();
    } catch {
      // Overlay file systems cannot be stacked everywhere; copies can.
      this.#driver = 'vfs';
      await this.#makeBase();
    }
  }

  /**
   * Builds an image.
   *
   * @param o.root the repository, with its node_modules
   * @param o.programs directory with out/<program>, which replaces the stage that would compile them
   * @throws Error with the end of the builder's output
   */
  async build(o: { name: string; root: string; programs: string }): Promise<void> {
    const volumes = {
      '/usr': '/usr',
      [database]: database,
      [dirname(dirname(process.execPath))]: '/opt/node',
      [join(o.root, 'node_modules')]: '/src/node_modules',
    };
    await this.#buildah([
      ...['bud', '--quiet', '--layers', '--isolation=chroot', '--timestamp=0'],
      // Without it, the arguments that name the platform have no values.
      `--platform=linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
      ...Object.entries(volumes).map(([from, to]) => `--volume=${from}:${to}:ro`),
      `--build-context=cli=${o.programs}`,
      ...['NODE_IMAGE', 'GO_IMAGE'].map((name) => `--build-arg=${name}=${baseName}`),
      `--tag=${o.name}`,
      `--file=${join(o.root, 'services', o.name, 'Containerfile')}`,
      o.root,
    ]);
  }

  async configOf(name: string): Promise<ImageConfig> {
    const { OCIv1 } = JSON.parse(await this.#buildah(['inspect', '--type=image', name]));
    return { ...OCIv1.config, layers: OCIv1.rootfs.diff_ids };
  }

  /** Copies the files of an image. */
  async extract(name: string, to: string): Promise<void> {
    const container = await this.#buildah(['from', name]);
    const mounted = await this.#buildah(['mount', container]);
    await run('cp', ['--archive', `${mounted}/.`, to]);
    await this.#buildah(['rm', container]);
  }

  /** Deletes the store with all images. */
  async remove(): Promise<void> {
    const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
    const points = mounts.map((line) => line.split(' ')[1] ?? '');
    for (const point of points.reverse().filter((path) => path.startsWith(`${this.#dir}/`)))
      await run('umount', [point]);
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** A system without files, but with the places where this machine's become visible. */
  async #makeBase(): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    const container = await this.#buildah(['from', 'scratch']);
    const mounted = await this.#buildah(['mount', container]);
    for (const path of ['usr', 'opt/node', 'tmp', 'proc', 'sys', 'dev', database])
      await mkdir(join(mounted, path), { recursive: true });
    for (const path of ['bin', 'lib', 'lib64']) await symlink(`usr/${path}`, join(mounted, path));
    await this.#buildah(['config', '--env=PATH=/opt/node/bin:/usr/bin', container]);
    await this.#buildah(['commit', '--quiet', container, baseName]);
    await this.#buildah(['rm', container]);
  }

  async #buildah(args: string[]): Promise<string> {
    const store = ['--root', 'root', '--runroot', 'run'].map((word) =>
      word.startsWith('-') ? word : join(this.#dir, word),
    );
    const driver = `--storage-driver=${this.#driver}`;
    try {
      const options = { maxBuffer: outputBytes };
      return (await run('buildah', [...store, driver, ...args], options)).stdout.trim();
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      throw new Error(`buildah ${args[0]} failed:\n${stderr.slice(-4000)}`, { cause: error });
    }
  }
}

/** A new store below a directory. */
export async function createStore(parent: string): Promise<Buildah> {
  await mkdir(parent, { recursive: true });
  return new Buildah(await mkdtemp(join(parent, 'store-')));
}
