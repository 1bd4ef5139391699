import {
  disabledValue,
  type KubeObject,
  type KustomizationSpec,
  kustomizeDecryptAnnotation,
} from '@sluice/shared/api';
import { digestOfParts, joinLines, sha256Hex } from '@sluice/shared/base';
import { LaterError } from '@sluice/shared/cli';
import { withSpan } from '@sluice/shared/runtime';
import { type BuildOutput, runBuild } from '../builder/build.ts';
import { buildFailed } from '../builder/errors.ts';
import { locateExpression } from '../builder/locate-expression.ts';
import { substituteVariables } from '../builder/substitute.ts';
import type { DecryptionKeys } from '../decryption/held-keys.ts';
import { loadDecryptionKeys } from '../decryption/load-keys.ts';
import type { PatientDecryption } from '../decryption/patient-decryption.ts';
import { decryptionOf } from './await-decryption.ts';
import { sayWarning } from './events.ts';
import { labelObjects } from './label.ts';
import { lastDefinitions } from './last-definitions.ts';
import { normalizeObjects } from './normalize.ts';
import { renamedNamespaces } from './renamed-namespaces.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import { noteAttempt } from './status.ts';
import { type TextMetadata, withTextMetadata } from './text-metadata.ts';
import { loadVariables } from './variables.ts';

/** A build whose inputs are known, and which is only carried out when they are others than before. */
export interface PreparedBuild {
  /** Equal exactly when all inputs are; undefined when something remote is fetched. */
  key: string | undefined;
  /** There are no manifests at all at spec.path. */
  noManifests: boolean;
  /** Returns the objects, from the cache if possible. */
  objects(): Promise<Build>;
}

/** What goes into a build besides the files that it reads. */
interface Inputs {
  /** Directory of the unpacked artifact. */
  root: string;
  variables: Map<string, string>;
  keys: DecryptionKeys | undefined;
  /** Values of Secrets among the variables. */
  secrets: string[];
  /** Digest of all inputs but the files. */
  digest: string;
}

async function loadInputs(run: Run, root: string): Promise<Inputs> {
  const { object, deps } = run;
  const secrets: string[] = [];
  const variables = await loadVariables(run, (value) => {
    secrets.push(value);
    run.masker.add(value);
  });
  const keys = await loadDecryptionKeys(run);
  const { spec } = object;
  const { path, targetNamespace, namePrefix, nameSuffix, patches, images } = spec;
  const { components, ignoreMissingComponents, buildMetadata, commonMetadata } = spec;
  const digest = digestOfParts([
    await deps.kustomize.version(),
    run.ctx.key,
    keys?.digest ?? '',
    String(keys === undefined),
    JSON.stringify([...variables].sort()),
    JSON.stringify([path, targetNamespace, namePrefix, nameSuffix, patches, images]),
    JSON.stringify([components, ignoreMissingComponents, buildMetadata, commonMetadata]),
    JSON.stringify(spec.postBuild?.substituteStrategy ?? ''),
    String(spec.postBuild === undefined),
    String(deps.settings.strictSubstitutions),
  ]);
  return { root, variables, keys, secrets, digest };
}

async function finish(
  run: Run,
  { objects, seen }: Pick<BuildOutput, 'objects' | 'seen'>,
  { variables, root }: Inputs,
): Promise<TextMetadata> {
  const { postBuild } = run.object.spec;
  const substituted =
    postBuild === undefined
      ? objects
      : await substituteVariables(objects, {
          variables,
          strict: run.deps.settings.strictSubstitutions,
          always: postBuild.substituteStrategy === 'Always',
          locate: (expression, object) => locateExpression({ root, seen }, expression, object),
        });
  const last = lastDefinitions(normalizeObjects(substituted));
  const text = withTextMetadata(last.objects, run.object);
  return {
    objects: labelObjects(text.objects, run.object),
    warnings: [...last.warnings, ...text.warnings],
  };
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

/** Builds the objects of an artifact, decrypted. */
async function buildObjects(
  run: Run,
  root: string,
  { decryption, spec }: { decryption: PatientDecryption | undefined; spec: KustomizationSpec },
): Promise<BuildOutput> {
  const { deps, timeoutMs, signal, object } = run;
  const share = object.metadata.namespace ?? '';
  const remote = deps.remoteBases?.forBuild(share);
  decryption?.check();
  const built = await runBuild(
    deps.kustomize,
    { root, spec },
    {
      timeoutMs,
      signal,
      share,
      fetch: remote && ((url) => remote.fetch(url, signal)),
      decrypt: decryption && ((files) => decryption.files(files)),
    },
  );
  refuseEncrypted(built.objects, decryption !== undefined);
  if (decryption === undefined) return built;
  return { ...built, objects: await decryption.objects(built.objects) };
}

async function warnOfBuild(run: Run, warnings: readonly string[]): Promise<void> {
  if (warnings.length > 0) await sayWarning(run, 'BuildWarning', joinLines(warnings));
}

async function carryOut(run: Run, inputs: Inputs) {
  const { deps } = run;
  const { spec, metadata } = run.object;
  const input = `${inputs.digest} ${sourceOf(run).artifact.digest}`;
  const work = { owner: metadata.uid ?? '', input };
  const known = deps.refused.find(work);
  if (known !== undefined) {
    deps.metrics.build('refused');
    throw known;
  }
  const decryption = inputs.keys && decryptionOf(run, input, inputs.keys);
  const build = async (own: KustomizationSpec) => {
    try {
      return await buildObjects(run, inputs.root, { decryption, spec: own });
    } finally {
      for (const text of decryption?.secrets ?? []) run.masker.add(text);
    }
  };
  try {
    const built = await withSpan('build', {}, async (span) => {
      const output = await deps.refused.run(work, () => build(spec));
      span.set({ 'sluice.objects': output.objects.length });
      return output;
    });
    deps.metrics.build('built');
    await warnOfBuild(run, built.warnings);
    const namespaces = await renamedNamespaces(run, built.objects, async () => {
      const own = { ...spec, targetNamespace: undefined };
      return (await build(own)).objects;
    });
    const { objects, warnings } = await finish(run, built, inputs);
    await warnOfBuild(run, warnings);
    const { objects: renamed } = await finish(run, { ...built, objects: namespaces }, inputs);
    const digest = `sha256:${sha256Hex(JSON.stringify(objects))}`;
    const secrets = [...new Set([...inputs.secrets, ...(decryption?.secrets ?? [])])];
    return { build: { objects, digest, secrets, renamed }, built };
  } catch (error) {
    if (!(error instanceof LaterError)) deps.metrics.build('failed');
    throw error;
  }
}

/** Carries a build out, and remembers what it looked at and what came out. */
async function buildAnew(run: Run, inputs: Inputs): Promise<PreparedBuild> {
  const { deps } = run;
  const { build, built } = await carryOut(run, inputs);
  const { seen, noManifests } = built;
  const objects = async () => build;
  if (seen === undefined) {
    deps.seen.delete(run.ctx.key);
    return { key: undefined, noManifests, objects };
  }
  const key = digestOfParts([inputs.digest, seen]);
  const artifact = sourceOf(run).artifact.digest;
  const record = { inputs: inputs.digest, artifact, seen, key, noManifests };
  deps.seen.set(run.ctx.key, record, 512 + seen.length * 2);
  // Objects in memory take about four times their text.
  deps.builds.set(key, build, 1024 + built.bytes * 4);
  return { key, noManifests, objects };
}

/** Returns the build of before when nothing that it looked at has changed. */
async function unchanged(run: Run, inputs: Inputs): Promise<PreparedBuild | undefined> {
  const { deps, timeoutMs, signal, object } = run;
  const record = deps.seen.get(run.ctx.key);
  if (record === undefined || record.inputs !== inputs.digest) return undefined;
  const artifact = sourceOf(run).artifact.digest;
  const call = { timeoutMs, signal, share: object.metadata.namespace ?? '' };
  const same =
    record.artifact === artifact || (await deps.kustomize.isSame(inputs.root, record.seen, call));
  if (!same) return undefined;
  deps.seen.set(run.ctx.key, { ...record, artifact }, 512 + record.seen.length * 2);
  const { key, noManifests } = record;
  const objects = async () => {
    const cached = deps.builds.get(key);
    if (cached === undefined) return (await buildAnew(run, inputs)).objects();
    deps.metrics.build('cached');
    for (const text of cached.secrets) run.masker.add(text);
    return cached;
  };
  return { key, noManifests, objects };
}

/**
 * Downloads the artifact if needed, and builds it unless everything that the last build looked at is as it was.
 *
 * @param use what to do with the build; the artifact may be gone afterwards
 * @throws StalledError, RetryableError ArtifactFailed, BuildFailed
 */
export async function withBuild<T>(
  run: Run,
  use: (build: PreparedBuild) => Promise<T>,
): Promise<T> {
  const { deps, signal } = run;
  const artifact = await withSpan('fetch artifact', {}, () =>
    deps.artifacts.acquire(sourceOf(run).artifact, signal),
  );
  noteAttempt(run);
  try {
    const inputs = await loadInputs(run, artifact.dir);
    return await use((await unchanged(run, inputs)) ?? (await buildAnew(run, inputs)));
  } finally {
    artifact.release();
  }
}
