import { disabledValue, type KubeObject, kustomizeDecryptAnnotation } from '@sluice/shared/api';
import { digestOfParts, mapConcurrently, sha256Hex } from '@sluice/shared/base';
import { withSpan } from '@sluice/shared/runtime';
import { runBuild } from '../builder/build.ts';
import { buildFailed } from '../builder/errors.ts';
import { type BuildPlan, planBuild } from '../builder/plan.ts';
import { substituteVariables } from '../builder/substitute.ts';
import { decryptFiles } from '../decryption/decrypt-files.ts';
import { decryptSecretData } from '../decryption/decrypt-secrets.ts';
import { type DecryptionKeys, loadDecryptionKeys } from '../decryption/load-keys.ts';
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

/** What goes into a build besides the files of its plan. */
interface Inputs {
  variables: Map<string, string>;
  keys: DecryptionKeys | undefined;
  /** The version of kustomize. */
  version: string;
}

function keyOf(run: Run, plan: BuildPlan, { variables, keys, version }: Inputs) {
  if (plan.inputDigest === undefined) return undefined;
  const { object, deps } = run;
  return digestOfParts([
    version,
    plan.inputDigest,
    run.ctx.key,
    keys?.digest ?? '',
    JSON.stringify([...variables].sort()),
    JSON.stringify(object.spec.postBuild?.substituteStrategy ?? ''),
    JSON.stringify(object.spec.commonMetadata ?? {}),
    String(deps.settings.strictSubstitutions),
  ]);
}

async function finish(
  run: Run,
  objects: KubeObject[],
  variables: Map<string, string>,
): Promise<KubeObject[]> {
  const { postBuild } = run.object.spec;
  const substituted =
    postBuild === undefined
      ? objects
      : await substituteVariables(objects, {
          variables,
          strict: run.deps.settings.strictSubstitutions,
          always: postBuild.substituteStrategy === 'Always',
        });
  return labelObjects(substituted, run.object);
}

/** Refuses a Secret that would be applied encrypted, which is of use to nobody. */
function refuseEncrypted(objects: KubeObject[], decrypting: boolean): void {
  for (const object of objects) {
    const { annotations, name } = object.metadata;
    const encrypted = object.kind === 'Secret' && object.apiVersion === 'v1' && 'sops' in object;
    if (!encrypted || annotations?.[kustomizeDecryptAnnotation] === disabledValue) continue;
    const fix = decrypting
      ? 'it comes from a remote base, where nothing is decrypted: move it into the source'
      : 'set spec.decryption so that it can be decrypted';
    throw buildFailed(`Secret '${name}' is encrypted with SOPS: ${fix}`);
  }
}

/** Builds the objects of a plan, decrypted; tells of every text that was encrypted. */
async function buildObjects(
  run: Run,
  plan: BuildPlan,
  { keys, onSecret }: { keys: DecryptionKeys | undefined; onSecret(text: string): void },
): Promise<{ objects: KubeObject[]; bytes: number }> {
  const { deps, timeoutMs, signal } = run;
  const { kustomize, sops, settings } = deps;
  const limits = { timeoutMs, signal };
  const decryptor = keys && { sops, ageKeys: keys.ageKeys, ...limits, onSecret };
  const decrypted = decryptor ? await decryptFiles(plan, decryptor) : new Map<string, string>();
  const { tempDir } = settings;
  const { objects, bytes } = await runBuild(plan, { kustomize, tempDir, decrypted, ...limits });
  refuseEncrypted(objects, decryptor !== undefined);
  if (decryptor === undefined) return { objects, bytes };
  const plain = await mapConcurrently(objects, 8, (each) => decryptSecretData(each, decryptor));
  return { objects: plain, bytes };
}

async function carryOut(run: Run, plan: BuildPlan, { variables, keys }: Omit<Inputs, 'version'>) {
  const { deps } = run;
  const secrets = new Set<string>();
  const onSecret = (text: string) => {
    secrets.add(text);
    run.masker.add(text);
  };
  try {
    const { objects, bytes } = await withSpan('build', {}, async (span) => {
      const built = await buildObjects(run, plan, { keys, onSecret });
      span.set({ 'sluice.objects': built.objects.length });
      return built;
    });
    deps.metrics.build('built');
    const finished = await finish(run, objects, variables);
    const digest = `sha256:${sha256Hex(JSON.stringify(finished))}`;
    return { build: { objects: finished, digest, secrets: [...secrets] }, bytes };
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
  const artifact = await withSpan('fetch artifact', {}, () =>
    deps.artifacts.acquire(sourceOf(run).artifact, signal),
  );
  try {
    const { noRemoteBases } = deps.settings;
    const variables = await loadVariables(run);
    const keys = await loadDecryptionKeys(run);
    const plan = await planBuild({ root: artifact.dir, spec: object.spec, noRemoteBases });
    const version = await deps.kustomize.version();
    const key = keyOf(run, plan, { variables, keys, version });
    const build = async () => {
      const cached = key === undefined ? undefined : deps.builds.get(key);
      if (cached !== undefined) {
        deps.metrics.build('cached');
        for (const text of cached.secrets) run.masker.add(text);
        return cached;
      }
      const built = await carryOut(run, plan, { variables, keys });
      // Objects in memory take about four times their text.
      if (key !== undefined) deps.builds.set(key, built.build, 1024 + built.bytes * 4);
      return built.build;
    };
    return await use({ key, noManifests: plan.noManifests, objects: build });
  } finally {
    artifact.release();
  }
}
