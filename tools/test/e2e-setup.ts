import { findProvisioned, provision, provisionNpmTools } from '../provision/index.ts';
import { commandTools, e2eTools, optionalTools, serverTools } from './cluster-tools.ts';

/** Makes the tools available to `*.e2e.test.ts` files, each of which starts a world of its own. */
export async function setup(): Promise<void> {
  const { env } = process;
  const given = JSON.parse(env['SLUICE_TOOLS'] ?? '{}') as Record<string, string>;
  const wanted = [...serverTools, ...commandTools, ...e2eTools];
  const required = optionalTools.filter(({ variable }) => env[variable] === 'required');
  wanted.push(...required.map(({ name }) => name));
  const missing = wanted.filter((name) => !given[name]);
  const tools = {
    ...(await findProvisioned(optionalTools.map(({ name }) => name))),
    ...(await provisionNpmTools(env)),
    ...given,
    ...(await provision(missing)),
  };
  env['SLUICE_TOOLS'] = JSON.stringify(tools);
}
