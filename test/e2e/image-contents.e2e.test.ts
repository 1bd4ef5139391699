import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { nodeEnvironment, nodeFlagsOf } from '../../tools/bundle/node-flags.ts';
import { type BuiltImage, imageRecipeOf, imageRecipes } from '../../tools/images/index.ts';
import { pinnedVersion, recipeOf } from '../../tools/provision/catalogue.ts';
import { builtImages, imagesCannotBuild } from './images/built-images.ts';

const reason = await imagesCannotBuild();

/** What of an image is its own. */
const expected: Record<string, { programs: string[]; workers: string[]; packages: string[] }> = {
  'source-controller': {
    programs: ['node', 'notation-verifier'],
    workers: [
      'archive-worker.mjs',
      'helm-worker.mjs',
      'key-worker.mjs',
      'packing-worker.mjs',
      'pfx-worker.mjs',
      'verification-worker.mjs',
    ],
    packages: [
      'pkg:npm/isomorphic-git@',
      'pkg:npm/undici@',
      'pkg:npm/%40sigstore/verify@',
      'pkg:golang/github.com/notaryproject/notation-go@v1.',
    ],
  },
  'source-watcher': {
    programs: ['node'],
    workers: ['archive-worker.mjs', 'composition-worker.mjs'],
    packages: ['pkg:npm/tar@', 'pkg:npm/undici@'],
  },
  'kustomize-controller': {
    programs: ['kustomize-builder', 'node', 'sops'],
    workers: ['archive-worker.mjs', 'spawn-worker.mjs'],
    packages: [
      'pkg:golang/sigs.k8s.io/kustomize/api@v0.',
      'pkg:golang/github.com/getsops/sops/v3@v3.',
    ],
  },
  'helm-controller': {
    programs: ['helm-renderer', 'kustomize-builder', 'node'],
    workers: ['archive-worker.mjs', 'chart-worker.mjs'],
    packages: ['pkg:golang/helm.sh/helm/v4@v4.', 'pkg:golang/stdlib@1.', 'pkg:deb/debian/tzdata@'],
  },
  'notification-controller': {
    programs: ['node'],
    workers: [],
    packages: ['pkg:npm/re2js@'],
  },
};

interface File {
  /** In the image. */
  path: string;
  stats: Stats;
}

function filesOf({ rootfs }: BuiltImage): File[] {
  return readdirSync(rootfs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(rootfs.length), stats: statSync(path) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Document {
  packages: { externalRefs?: { referenceLocator: string }[] }[];
  files: { fileName: string; checksums: { algorithm: string; checksumValue: string }[] }[];
}

function documentOf({ name, rootfs }: BuiltImage): Document {
  return JSON.parse(readFileSync(join(rootfs, `usr/share/sbom/${name}.spdx.json`), 'utf8'));
}

describe.skipIf(reason !== undefined)('built images', () => {
  let built: Record<string, BuiltImage>;
  beforeAll(async () => {
    built = await builtImages();
  }, 300_000);
  const imageOf = (name: string) => built[name] as BuiltImage;

  test('share the layers that are equal, so that a node keeps one copy', () => {
    const lowest = Object.values(built).map(({ config }) => config.layers[0]);
    expect(new Set(lowest).size).toBe(1);
    const shared = imageOf('kustomize-controller').config.layers[1];
    expect(imageOf('helm-controller').config.layers).toContain(shared);
  });

  describe.each(imageRecipes)('$name', ({ name }) => {
    const wanted = expected[name] as (typeof expected)[string];

    test('runs Node with the flags and the environment of the benchmarks, as a user with a number', () => {
      const { User, Entrypoint, Env, Labels } = imageOf(name).config;
      const environment = Object.entries(nodeEnvironment).map(([key, value]) => `${key}=${value}`);
      expect(Env).toEqual(expect.arrayContaining(environment));
      expect(User).toBe('65534:65534');
      expect(Entrypoint).toEqual(['/usr/local/bin/node', ...nodeFlagsOf(name), '/app/main.mjs']);
      expect(Labels).toMatchObject({
        'org.opencontainers.image.title': name,
        'org.opencontainers.image.version': `v${packageJson.version}`,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      });
    });

    test('holds the programs that the controller starts and no shell', () => {
      const executable = filesOf(imageOf(name)).filter(({ stats }) => (stats.mode & 0o111) !== 0);
      const programs = executable
        .map(({ path }) => path)
        .filter((path) => !/^\/lib(64)?\//.test(path));
      expect(programs).toEqual(wanted.programs.map((program) => `/usr/local/bin/${program}`));
    });

    test.each(imageRecipeOf(name).programs)('runs %s in the pinned version', async (program) => {
      const args = [
        ...['--userspec=65534:65534', imageOf(name).rootfs],
        ...[`/usr/local/bin/${program}`, ...recipeOf(program).versionArgs],
      ];
      // Not every search path has the programs of an administrator.
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
      const { stdout } = await promisify(execFile)('chroot', args, { env });
      expect(stdout).toContain(pinnedVersion(program).replace(/^v/, ''));
    });

    test('holds the bundle with the workers that it starts', () => {
      const files = ['LICENSES.txt', 'main.mjs', ...wanted.workers].sort();
      const all = readdirSync(join(imageOf(name).rootfs, 'app')).sort();
      expect(all.filter((file) => !/^part-\w+\.mjs$/.test(file))).toEqual(files);
    });

    test('gives nobody rights that root has, nor a file to change', () => {
      const bad = filesOf(imageOf(name)).filter(
        ({ stats: { mode, uid, gid } }) => (mode & 0o7022) !== 0 || uid !== 0 || gid !== 0,
      );
      expect(bad.map(({ path }) => path)).toEqual([]);
    });

    test('lists its packages and every file in its bill of materials', () => {
      const image = imageOf(name);
      const { packages, files } = documentOf(image);
      const purls = packages
        .flatMap((each) => each.externalRefs ?? [])
        .map((ref) => ref.referenceLocator);
      const always = [`pkg:generic/node@${process.versions.node}`, 'pkg:deb/debian/libc6@'];
      const missing = [...always, ...wanted.packages].filter(
        (start) => !purls.some((purl) => purl.startsWith(start)),
      );
      expect(missing).toEqual([]);

      const listed = files.map(({ fileName, checksums }) => {
        const sha256 = checksums.find(({ algorithm }) => algorithm === 'SHA256');
        return `${fileName.slice(1)} ${sha256?.checksumValue}`;
      });
      const present = filesOf(image)
        .map(({ path }) => path)
        .filter((path) => !/^\/usr\/share\/(sbom|zoneinfo)\//.test(path))
        .map((path) => {
          const bytes = readFileSync(join(image.rootfs, path));
          return `${path} ${createHash('sha256').update(bytes).digest('hex')}`;
        });
      expect(listed.sort()).toEqual(present);
    });
  });
});
