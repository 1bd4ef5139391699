// npm run bench -- <name> [arguments]: runs bench/<name>.ts with the tools that benchmarks need.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provision } from '../provision/index.ts';
import { commandTools, fluxTools, serverTools } from '../test/cluster-tools.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [name = '', ...args] = process.argv.slice(2);
const file = join(root, 'bench', `${name}.ts`);

if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file)) {
  const names = readdirSync(join(root, 'bench')).filter((entry) => entry.endsWith('.ts'));
  const choices = names.map((entry) => entry.slice(0, -'.ts'.length)).join('|');
  console.error(`usage: npm run bench -- <${choices}> [arguments]`);
  process.exitCode = 2;
} else {
  const flux = args.includes('--flux') ? fluxTools : [];
  const tools = await provision([...serverTools, ...commandTools, ...flux]);
  const env = { ...process.env, SLUICE_TOOLS: JSON.stringify(tools) };
  const nodeArgs = ['--disable-warning=ExperimentalWarning', file, ...args];
  const result = spawnSync(process.execPath, nodeArgs, { cwd: root, stdio: 'inherit', env });
  process.exitCode = result.status ?? 1;
}
