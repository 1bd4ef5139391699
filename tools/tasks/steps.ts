import { spawnSync } from 'node:child_process';

export interface Step {
  name: string;
  command: [string, ...string[]];
}

/** Runs each step with its output shown, says which failed, and returns the exit code. */
export function runSteps(cwd: string, steps: Step[]): number {
  const failed = steps.filter(({ name, command: [file, ...args] }) => {
    const startedAt = Date.now();
    const result = spawnSync(file, args, { cwd, stdio: 'inherit' });
    const ok = result.status === 0;
    const why = result.error === undefined ? '' : ` (${result.error.message})`;
    console.error(
      `${ok ? 'ok' : 'FAILED'}: ${name}, ${((Date.now() - startedAt) / 1000).toFixed(1)} s${why}`,
    );
    return !ok;
  });
  return failed.length === 0 ? 0 : 1;
}
