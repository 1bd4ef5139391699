import {
  type ArtifactGenerator,
  artifactGeneratorKind,
  generatorFinalizer,
  generatorLabel,
} from '@sluice/shared/api';
import { keyOf } from '@sluice/shared/kube';
import {
  artifactTraceparent,
  type Controller,
  done,
  type Reconciler,
} from '@sluice/shared/runtime';
import { controllerName } from '../names.ts';
import { byUid, type GeneratorDeps } from './deps.ts';
import { pruneOutputs } from './prune-outputs.ts';
import { reconcileGenerator } from './reconcile.ts';

/** Time between two looks at an object when nothing happens, as in Flux. */
const intervalMs = 60 * 60_000;

/** Makes the reconciler of ArtifactGenerators. */
export function generatorReconciler(deps: GeneratorDeps): Reconciler<ArtifactGenerator> {
  return {
    kind: artifactGeneratorKind,
    controllerName,
    finalizer: generatorFinalizer,
    reconcile: (context) => reconcileGenerator(context, deps),
    finalize: async (context) => {
      await pruneOutputs(context, deps, context.object.status?.inventory ?? []);
      return done();
    },
    cause: (object) => causeOf(object, deps),
    intervalMs: () => intervalMs,
  };
}

/** The trace of the newest artifact among the sources, if there is one whose trace goes on. */
function causeOf({ metadata, spec }: ArtifactGenerator, { sources }: GeneratorDeps) {
  const artifacts = spec.sources.flatMap(({ kind, name, namespace = metadata.namespace }) => {
    const artifact = sources.peek(kind, { namespace, name })?.status?.artifact;
    return artifact === undefined ? [] : [artifact];
  });
  artifacts.sort((a, b) => b.lastUpdateTime.localeCompare(a.lastUpdateTime));
  return artifactTraceparent(artifacts[0]);
}

/** Reconciles ArtifactGenerators as soon as a source has another artifact, or an output is not as they left it. */
export function watchGenerators(
  deps: GeneratorDeps,
  controller: Pick<Controller<ArtifactGenerator>, 'enqueue'>,
): void {
  const { generators, outputs, sources, graph, found } = deps;
  generators.onEvent(({ type, object }) => {
    const key = keyOf(object);
    if (type === 'deleted') {
      graph.delete(key);
      found.delete(key);
    } else graph.set(object);
  });
  sources.onArtifact((id) => {
    for (const key of graph.usersOf(id)) controller.enqueue(key, { priority: 'change' });
  });
  outputs.onEvent(({ object, previous }) => {
    const uids = [object, previous].map((each) => each?.metadata.labels?.[generatorLabel]);
    for (const uid of new Set(uids)) {
      for (const generator of uid === undefined ? [] : generators.byIndex(byUid, uid)) {
        controller.enqueue(keyOf(generator), { priority: 'drift' });
      }
    }
  });
}
