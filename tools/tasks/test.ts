// npm test [-- vitest arguments]: provisions what the tests run, runs them, and ends with one line of totals.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provision } from '../provision/index.ts';
import { commandTools } from '../test/cluster-tools.ts';
import { totals } from './test-totals.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

// The servers' tools are provisioned by the global setup, which runs only when a cluster test is selected.
const given = JSON.parse(process.env['SLUICE_TOOLS'] ?? '{}') as Record<string, string>;
const missing = commandTools.filter((name) => !given[name]);
const tools = { ...given, ...(await provision(missing)) };

// Test workers, and the controllers that tests start from their sources, share what Node compiles.
const compiled =
  process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules/.cache/node-compile');

const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
const report = join(folder, 'report.json');
try {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const result = spawnSync(
    process.execPath,
    [vitest, 'run', ...reporters, ...process.argv.slice(2)],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: compiled,
        SLUICE_TOOLS: JSON.stringify(tools),
      },
    },
  );
  const { passed, failed } = totals(read(report), result.status ?? 1);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The runner ended before it could write its report, and has said why.
    return undefined;
  }
}
