import type { KubeObject } from '@sluice/shared/api';
import { digestOfParts, StalledError, sha256Hex } from '@sluice/shared/base';
import { runBuild } from '../builder/build.ts';
import { type BuildPlan, planBuild } from '../builder/plan.ts';
import { substituteVariables } from '../builder/substitute.ts';
import { labelObjects } from './label.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import { loadVariables } from './variables.ts';

/** A build whose inputs are known, and which may not have been carried out yet. */
export interface PreparedBuild {
  /** Equal exactly when all inputs are; undefined when something remote is fetched. */
  key: string | undefined;
  /** There are no manifests at all at spec.path. */
  noManifests: boolean;
  /** Returns the objects, from the cache if possible. */
  objects(): Promise<Build>;
}

function keyOf(run: Run, plan: BuildPlan, variables: Map<string, string>, version: string) {
  if (plan.inputDigest === undefined) return undefined;
  const { object, deps } = run;
  return digestOfParts([
    version,
    plan.inputDigest,
    run.ctx.key,
    JSON.stringify([...variables].sort()),
    JSON.stringify(object.spec.postBuild?.substituteStrategy ?? ''),
    JSON.stringify(object.spec.commonMetadata ?? {}),
    String(deps.settings.strictSubstitutions),
  ]);
}

function finish(run: Run, objects: KubeObject[], variables: Map<string, string>): KubeObject[] {
  const { postBuild } = run.object.spec;
  const substituted =
    postBuild === undefined
      ? objects
      : substituteVariables(objects, {
          variables,
          strict: run.deps.settings.strictSubstitutions,
          always: postBuild.substituteStrategy === 'Always',
        });
  return labelObjects(substituted, run.object);
}

async function carryOut(run: Run, plan: BuildPlan, variables: Map<string, string>) {
  const { deps, timeoutMs, signal } = run;
  const { kustomize, settings } = deps;
  const started = run.ctx.clock.now();
  try {
    const { tempDir } = settings;
    const { objects, bytes } = await runBuild(plan, { kustomize, tempDir, timeoutMs, signal });
    deps.metrics.build('built');
    run.ctx.span.event('built', { ms: run.ctx.clock.now() - started });
    const finished = finish(run, objects, variables);
    const digest = `sha256:${sha256Hex(JSON.stringify(finished))}`;
    return { build: { objects: finished, digest }, bytes };
  } catch (error) {
    deps.metrics.build('failed');
    throw error;
  }
}

/**
 * Downloads the artifact if needed, and finds, checks and digests everything that the build reads, without running
 * kustomize. The objects are built on demand, while the artifact is held.
 *
 * @param use what to do with the build; the artifact may be gone afterwards
 * @throws StalledError, RetryableError ArtifactFailed, BuildFailed
 */
export async function withBuild<T>(
  run: Run,
  use: (build: PreparedBuild) => Promise<T>,
): Promise<T> {
  const { object, deps, signal } = run;
  if (object.spec.decryption !== undefined) {
    throw new StalledError(
      'BuildFailed',
      'spec.decryption is not supported yet: remove it, and keep encrypted Secrets out of spec.path',
    );
  }
  const artifact = await deps.artifacts.acquire(sourceOf(run).artifact, signal);
  try {
    const { noRemoteBases } = deps.settings;
    const variables = await loadVariables(run);
    const plan = await planBuild({ root: artifact.dir, spec: object.spec, noRemoteBases });
    const key = keyOf(run, plan, variables, await deps.kustomize.version());
    const build = async () => {
      const cached = key === undefined ? undefined : deps.builds.get(key);
      if (cached !== undefined) {
        deps.metrics.build('cached');
        return cached;
      }
      const built = await carryOut(run, plan, variables);
      // Objects in memory take about four times their text.
      if (key !== undefined) deps.builds.set(key, built.build, 1024 + built.bytes * 4);
      return built.build;
    };
    return await use({ key, noManifests: plan.noManifests, objects: build });
  } finally {
    artifact.release();
  }
}
