import { errorMessage, printable } from '@sluice/shared/base';
import { ApiError, ConnectionError, KubeConfigError } from '@sluice/shared/kube';
import { runAudit } from './audit/run-audit.ts';
import type { CommandName } from './commands.ts';
import { type Invocation, readConfig } from './config.ts';
import { runDecision } from './decide/decide.ts';
import { runOverride } from './decide/override.ts';
import { CliError } from './errors.ts';
import { comparePath } from './files/compare-path.ts';
import { programName } from './help.ts';
import { runPlan } from './plan/run-plan.ts';
import { watchPlan } from './plan/watch-plan.ts';
import { runRollback } from './rollback/run-rollback.ts';
import { exitCodes, type Session } from './session.ts';
import { runResume, runSuspend } from './suspend/suspend.ts';
import type { Terminal } from './terminal.ts';
import { runWhere } from './where/run-where.ts';
import { runWindows } from './windows/run-windows.ts';

const runs: Record<CommandName, (session: Session) => Promise<number>> = {
  plan: (session) => {
    const { path, watch } = session.invocation;
    if (path !== undefined) return comparePath(session, path);
    return watch ? watchPlan(session) : runPlan(session);
  },
  approve: (session) => runDecision(session, 'Approve'),
  reject: (session) => runDecision(session, 'Reject'),
  override: runOverride,
  rollback: runRollback,
  suspend: runSuspend,
  resume: runResume,
  where: runWhere,
  windows: runWindows,
  audit: runAudit,
};

/** What a run of the program needs from outside. */
export interface CliOptions {
  env: Record<string, string | undefined>;
  terminal: Terminal;
  /** Connects to the cluster of an invocation. */
  connect(invocation: Invocation): Session;
}

/**
 * Runs the program.
 *
 * @param argv the arguments after the program's name
 * @returns its exit code
 */
export async function runCli(argv: readonly string[], o: CliOptions): Promise<number> {
  try {
    const request = readConfig(argv, o.env);
    if ('help' in request) {
      o.terminal.out(request.help);
      return exitCodes.done;
    }
    const session = o.connect(request.invocation);
    try {
      return await runs[request.invocation.command](session);
    } finally {
      await session.client.close();
    }
  } catch (error) {
    o.terminal.note(`${programName}: ${printable(describe(error))}`);
    return exitCodes.failed;
  }
}

/** Anything but these is a fault of the program, and shown with its stack. */
function describe(error: unknown): string {
  const kinds = [CliError, ApiError, ConnectionError, KubeConfigError];
  const isExpected = kinds.some((kind) => error instanceof kind);
  return isExpected || !(error instanceof Error) ? errorMessage(error) : (error.stack ?? '');
}
