import { type Hook, type Release, runsAt } from '../release/release.ts';
import { type ActionContext, ActionError } from './context.ts';
import { runHooks } from './hooks.ts';
import { ReleaseRecord } from './record.ts';

/** Which tests to run; all when there are no filters. */
export interface TestFilter {
  name: string;
  exclude?: boolean;
}

/** How to test. */
export interface TestOptions {
  filters: readonly TestFilter[];
  /** Limit of each single wait, in milliseconds. */
  timeoutMs: number;
}

/** What to test. */
export interface TestRequest {
  /** The newest stored revision. */
  release: Release;
  options: TestOptions;
}

/**
 * Runs the tests of a release and records how each ended; nothing is written when there are none to run.
 *
 * @returns the release as it is stored
 * @throws ActionError that names the test that failed, with the last lines it wrote, after recording that; the signal's
 * reason when aborted
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/release_testing.go
 */
export async function runTests(
  ctx: ActionContext,
  { release, options }: TestRequest,
): Promise<Release> {
  const isNameSelected = testSelection(options.filters);
  const isSelected = ({ name }: Hook) => isNameSelected(name);
  if (!release.hooks?.some((hook) => runsAt(hook, 'test') && isSelected(hook))) return release;
  const record = new ReleaseRecord(ctx, release);
  try {
    await runHooks(ctx, record, { event: 'test', timeoutMs: options.timeoutMs, isSelected });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!(error instanceof ActionError)) throw error;
    await record.save();
    throw new ActionError(ctx.masker.mask(error.message), release);
  }
  await record.save();
  return release;
}

/** Returns whether a test of a name is to run: not excluded, and included if only some are. */
export function testSelection(filters: readonly TestFilter[]): (name: string) => boolean {
  const excluded = new Set(filters.filter(({ exclude }) => exclude).map(({ name }) => name));
  const included = new Set(filters.filter(({ exclude }) => !exclude).map(({ name }) => name));
  return (name) => !excluded.has(name) && (included.size === 0 || included.has(name));
}
