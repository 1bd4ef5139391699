import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from './cluster.ts';
import type { WaitingPlan } from './view.ts';

const root = join(import.meta.dirname, '../..');
const program = 'clients/flux-sluice/src/main.ts';

function argsOf(plan: WaitingPlan, cluster: Cluster): string[] {
  return [
    program,
    'approve',
    plan.kind.toLowerCase(),
    plan.name,
    `--namespace=${plan.namespace}`,
    ...(cluster.context === undefined ? [] : [`--context=${cluster.context}`]),
    `--kubeconfig=${cluster.kubeconfigPath}`,
  ];
}

/** The command that approves a plan, to be run in the root of the repository; it shows the plan and asks. */
export function approveCommand(plan: WaitingPlan, cluster: Cluster): string {
  return ['node_modules/.bin/node', ...argsOf(plan, cluster)].join(' ');
}

/**
 * Approves a plan by that command, as a person would.
 *
 * @returns what the command says
 * @throws Error with what the command says when it fails, and when the signal aborts
 */
export async function approve(
  plan: WaitingPlan,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<string> {
  const args = [...argsOf(plan, cluster), `--plan=${plan.digest}`, '--yes', '--reason=npm start'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, signal });
  return stdout.trim();
}
