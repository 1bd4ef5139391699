import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { commonJsNames } from '../../bundle/commonjs-names.ts';

const root = join(import.meta.dirname, '../../..');
const dir = await mkdtemp(join(root, 'node_modules/.bundle-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

const loads = (path: string, name: string) =>
  `async () => typeof (await import('${path}'))['${name}']`;

test('packages that are imported when they are needed have the names that Node gives them', async () => {
  const entry = join(dir, 'entry.mjs');
  const all = [loads('undici', 'request'), loads('jose', 'decodeJwt'), loads('node:path', 'join')];
  await writeFile(entry, `export default [${all.join(', ')}];`);
  const outdir = join(dir, 'out');
  await build({
    entryPoints: [entry],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [commonJsNames],
  });
  const { default: made } = (await import(join(outdir, 'entry.mjs'))) as {
    default: (() => Promise<string>)[];
  };
  const kinds = await Promise.all(made.map((load) => load()));
  expect(kinds).toEqual(['function', 'function', 'function']);
});
