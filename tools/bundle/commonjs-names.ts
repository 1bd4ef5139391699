import { existsSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

const require = createRequire(import.meta.url);
const namespace = 'commonjs-names';
const inner = Symbol('the import behind the names');

/**
 * Gives CommonJS packages that are imported when they are needed the names that Node gives them: in a file of its own,
 * esbuild leaves such a package with its default export alone.
 */
export const commonJsNames: Plugin = {
  name: namespace,
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== 'dynamic-import' || pluginData === inner || isBuiltin(path)) return undefined;
      const found = await build.resolve(path, { kind, resolveDir, pluginData: inner });
      if (found.errors.length > 0 || !isCommonJs(found.path)) return undefined;
      return { path: found.path, namespace };
    });
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => {
      const names = Object.keys(require(path) as object).filter(
        (name) => /^[A-Za-z_$][\w$]*$/.test(name) && !['default', '__esModule'].includes(name),
      );
      const from = JSON.stringify(path);
      const contents = `import whole from ${from};\nexport default whole;\nexport { ${names.join(', ')} } from ${from};`;
      return { contents, resolveDir: dirname(path) };
    });
  },
};

function isCommonJs(file: string): boolean {
  if (!file.endsWith('.js')) return file.endsWith('.cjs');
  for (let dir = dirname(file); dir !== dirname(dir); dir = dirname(dir)) {
    const description = join(dir, 'package.json');
    if (!existsSync(description)) continue;
    const { type } = JSON.parse(readFileSync(description, 'utf8')) as { type?: string };
    return type !== 'module';
  }
  return true;
}
