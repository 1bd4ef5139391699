import { provision } from '../provision/index.ts';
import { commandTools, e2eTools, serverTools } from './cluster-tools.ts';

/** Makes the tools available to `*.e2e.test.ts` files, each of which starts a world of its own. */
export async function setup(): Promise<void> {
  const { env } = process;
  const given = JSON.parse(env['SLUICE_TOOLS'] ?? '{}') as Record<string, string>;
  const missing = [...serverTools, ...commandTools, ...e2eTools].filter((name) => !given[name]);
  env['SLUICE_TOOLS'] = JSON.stringify({ ...given, ...(await provision(missing)) });
}
