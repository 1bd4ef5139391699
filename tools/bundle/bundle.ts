import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { build, type Metafile } from 'esbuild';

const root = new URL('../../', import.meta.url).pathname;

/** Packages that look for CommonJS globals need these in an ES module. */
const banner = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

/** Names of the services that have an entry. */
export function serviceNames(): string[] {
  return readdirSync(join(root, 'services')).filter((name) =>
    existsSync(join(root, 'services', name, 'src/main.ts')),
  );
}

/**
 * Bundles a service and its worker threads into dist/<name>.
 *
 * Each `*-worker.ts` becomes a file beside main.mjs, where `new URL('./x-worker.ts', import.meta.url)` finds it after
 * the ending is replaced.
 *
 * @returns the directory, the size of main.mjs in bytes, and the number of npm packages inside
 * @throws Error when esbuild cannot bundle
 */
export async function bundleService(
  name: string,
): Promise<{ directory: string; bytes: number; packages: number }> {
  const directory = join(root, 'dist', name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const result = await build({
    absWorkingDir: root,
    entryPoints: [{ in: `services/${name}/src/main.ts`, out: 'main' }, ...workers(name)],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    legalComments: 'none',
    banner: { js: banner },
    metafile: true,
    logLevel: 'error',
    plugins: [
      {
        name: 'worker-files',
        setup(pluginBuild) {
          pluginBuild.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace(
              /(['"])\.\/([a-z-]+-worker)\.ts\1, import\.meta/g,
              '$1./$2.mjs$1, import.meta',
            ),
            loader: 'ts',
          }));
        },
      },
    ],
  });
  const packages = packagesOf(result.metafile);
  writeFileSync(join(directory, 'LICENSES.txt'), licences(packages));
  const main = Object.entries(result.metafile.outputs).find(([path]) =>
    path.endsWith(`${name}/main.mjs`),
  );
  return { directory, bytes: main?.[1].bytes ?? 0, packages: packages.size };
}

function workers(service: string): { in: string; out: string }[] {
  return ['libs/shared/src', `services/${service}/src`].flatMap((source) =>
    readdirSync(join(root, source), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('-worker.ts'))
      .map((path) => ({
        in: `${source}/${path}`,
        out: (path.split(sep).at(-1) as string).replace(/\.ts$/, ''),
      })),
  );
}

function packagesOf(metafile: Metafile): Set<string> {
  const found = new Set<string>();
  for (const path of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (match !== null) found.add(match[1] as string);
  }
  return found;
}

function licences(packages: Set<string>): string {
  return [...packages]
    .sort()
    .map((path) => {
      const directory = join(root, path);
      const { name, version, license } = JSON.parse(
        readFileSync(join(directory, 'package.json'), 'utf8'),
      );
      const file = readdirSync(directory).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
      const text =
        file === undefined ? '' : `\n\n${readFileSync(join(directory, file), 'utf8').trim()}`;
      return `${name} ${version}: ${typeof license === 'string' ? license : JSON.stringify(license)}${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
