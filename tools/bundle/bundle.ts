import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { commonJsNames } from './commonjs-names.ts';
import { undiciParts } from './undici-parts.ts';

const root = new URL('../../', import.meta.url).pathname;

/** Packages that look for CommonJS globals need these in an ES module. */
const banner = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

/** Programs that people run meet whatever Node their system has. */
const versionCheck = (name: string) =>
  `if (Number.parseInt(process.versions.node, 10) < 24) {
console.error('${name} needs Node 24 or newer, and found ' + process.version);
process.exit(1);
}`;

/** Names of the services that have an entry. */
export function serviceNames(): string[] {
  return namesIn('services');
}

/** Names of the programs that people run. */
export function clientNames(): string[] {
  return namesIn('clients');
}

function namesIn(folder: string): string[] {
  return readdirSync(join(root, folder)).filter((name) =>
    existsSync(join(root, folder, name, 'src/main.ts')),
  );
}

/** An npm package of which a bundle contains something. */
export interface BundledPackage {
  name: string;
  version: string;
  license: string;
  /** `algorithm-base64`, as the lock file has it. */
  integrity?: string;
}

/**
 * Bundles a service and the workers that it starts into dist/<name>: main.mjs, a file for each `*-worker.ts` beside
 * it, `part-*.mjs` for what they load when it is needed, LICENSES.txt and packages.json, which lists the npm packages
 * inside.
 *
 * @param directory where to, instead of dist/<name>
 * @returns the directory, the bytes that are loaded at the start, and the npm packages inside
 * @throws Error when esbuild cannot bundle
 */
export async function bundleService(
  name: string,
  directory = join(root, 'dist', name),
): Promise<{ directory: string; bytes: number; packages: BundledPackage[] }> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const main = await bundle(directory, [{ in: `services/${name}/src/main.ts`, out: 'main' }]);
  const workers = await bundle(directory, workersOf(main));
  const packages = writePackages(directory, [main, workers]);
  return { directory, bytes: sizeOf(main), packages };
}

/**
 * Bundles a program that people run into one file, dist/<name>/<name>, which Node finds by its first line; a link names
 * it as kubectl looks for plugins. LICENSES.txt and packages.json are as with {@link bundleService}.
 *
 * @param directory where to, instead of dist/<name>
 * @throws Error when esbuild cannot bundle
 */
export async function bundleClient(
  name: string,
  directory = join(root, 'dist', name),
): Promise<{ directory: string; bytes: number; packages: BundledPackage[] }> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const entryPoints = [{ in: `clients/${name}/src/main.ts`, out: name }];
  const main = await bundle(directory, entryPoints, {
    splitting: false,
    banner: `${versionCheck(name)}\n${banner}`,
  });
  const program = join(directory, name);
  renameSync(`${program}.mjs`, program);
  chmodSync(program, 0o755);
  symlinkSync(name, join(directory, name.replace(/^flux-/, 'kubectl-')));
  return { directory, bytes: sizeOf(main), packages: writePackages(directory, [main]) };
}

function writePackages(directory: string, metafiles: Metafile[]): BundledPackage[] {
  const folders = [...new Set(metafiles.flatMap(packageFolders))].sort();
  const packages = describePackages(folders);
  writeFileSync(join(directory, 'LICENSES.txt'), licences(folders, packages));
  writeFileSync(join(directory, 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`);
  return packages;
}

async function bundle(
  directory: string,
  entryPoints: { in: string; out: string }[],
  options: { splitting?: boolean; banner?: string } = {},
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    // What is imported when it is needed is read and kept in memory only then.
    splitting: options.splitting ?? true,
    chunkNames: 'part-[hash]',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay as they are written, for stack traces; of two that are the same, one gets a number. To keep those as
    // well (`keepNames`) takes a call for each function, and memory for each.
    minifyIdentifiers: false,
    legalComments: 'none',
    // ssh2 would speed itself up with it, and does without: it is built for one machine.
    external: ['cpu-features'],
    banner: { js: options.banner ?? banner },
    metafile: true,
    logLevel: 'error',
    plugins: [
      undiciParts,
      commonJsNames,
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
  for (const path of Object.keys(metafile.outputs)) escapeNonAscii(join(root, path));
  return metafile;
}

/**
 * Writes what esbuild leaves of characters outside of ASCII, in regular expressions, as escapes: with one of them in a
 * file, Node keeps its whole text with two bytes a character.
 */
function escapeNonAscii(path: string): void {
  const text = readFileSync(path, 'utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
  const escaped = text.replace(/[^\x00-\x7f]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  if (escaped !== text) writeFileSync(path, escaped);
}

/** Bytes of the entry and of all that it imports at once. */
function sizeOf({ outputs }: Metafile): number {
  const loaded = new Set<string>();
  const load = (path: string) => {
    if (loaded.has(path) || outputs[path] === undefined) return;
    loaded.add(path);
    for (const { path: next, kind } of outputs[path].imports) {
      if (kind === 'import-statement') load(next);
    }
  };
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint?.endsWith('/main.ts')) load(path);
  }
  return [...loaded].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
}

/** Files of which something is in the output; the others were read and left out. */
function keptFiles(metafile: Metafile): string[] {
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter(
      (path) =>
        (inputs[path]?.bytesInOutput ?? 0) > 0 && !path.startsWith(`${commonJsNames.name}:`),
    ),
  );
}

/** The workers that the bundled files start, each opened by `new URL('./x-worker…', import.meta.url)`. */
function workersOf(metafile: Metafile): { in: string; out: string }[] {
  return keptFiles(metafile)
    .filter((path) => /\/src\/.*\.ts$/.test(path))
    .flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const names = text.matchAll(
        /\.\/([a-z-]+-worker)(?:\.ts|\$\{extension\})['"`], import\.meta/g,
      );
      return [...names].map(([, name]) => ({
        in: join(dirname(path), `${name}.ts`),
        out: name as string,
      }));
    });
}

function packageFolders(metafile: Metafile): string[] {
  return keptFiles(metafile).flatMap((path) => {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

function describePackages(folders: string[]): BundledPackage[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  return folders.map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(root, folder, 'package.json'), 'utf8'),
    );
    const integrity = lock.packages[folder]?.integrity;
    const text = typeof license === 'string' ? license : JSON.stringify(license);
    return { name, version, license: text, ...(integrity === undefined ? {} : { integrity }) };
  });
}

function licences(folders: string[], packages: BundledPackage[]): string {
  return packages
    .map(({ name, version, license }, index) => {
      const directory = join(root, folders[index] as string);
      const file = readdirSync(directory).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
      const text =
        file === undefined ? '' : `\n\n${readFileSync(join(directory, file), 'utf8').trim()}`;
      return `${name} ${version}: ${license}${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
