import type { Kustomization } from '@sluice/shared/api';
import { errorMessage, WaitingError } from '@sluice/shared/base';
import { compileCel, keyOf } from '@sluice/shared/kube';
import { whyUnready } from '@sluice/shared/runtime';
import { type Run, sourceOf } from './run.ts';
import { sourceIdOf } from './source-id.ts';

type DependencyReference = NonNullable<Kustomization['spec']['dependsOn']>[number];

/** Returns the keys of what a Kustomization depends on. */
export function dependencyKeysOf(object: Kustomization): string[] {
  const { namespace } = object.metadata;
  return (object.spec.dependsOn ?? []).map((reference) => keyOf({ namespace, ...reference }));
}

function isReadyByExpression(
  run: Run,
  dependency: Kustomization,
  reference: DependencyReference & { field: string },
): boolean {
  const predicate = compileCel(reference.readyExpr ?? '', `${reference.field}.readyExpr`);
  try {
    return predicate({ self: run.object, dep: dependency });
  } catch (error) {
    run.ctx.logger.debug(
      { dependency: reference.name, error: errorMessage(error) },
      'readyExpr could not be evaluated',
    );
    return false;
  }
}

function whyNotReady(
  run: Run,
  dependency: Kustomization | undefined,
  reference: DependencyReference & { field: string },
): string | undefined {
  const { object, deps } = run;
  if (dependency !== undefined && reference.readyExpr) {
    if (!isReadyByExpression(run, dependency, reference))
      return 'is not ready according to readyExpr';
    if (!deps.settings.additiveDependencyCheck) return undefined;
  }
  const why = whyUnready(dependency);
  if (dependency === undefined) return `not found (${reference.field}): create it`;
  if (why !== undefined) return `is not ready: ${why}`;
  const sameSource = sourceIdOf(dependency) === sourceIdOf(object);
  if (sameSource && dependency.status?.lastAppliedRevision !== sourceOf(run).revision)
    return 'revision is not up to date';
  return undefined;
}

/**
 * Checks that everything in spec.dependsOn is ready, and has applied the same revision when it has the same source.
 *
 * @throws WaitingError DependencyNotReady naming the first that is not, and the cycle if it is part of one; the
 *   dependency's change re-enqueues
 * @throws StalledError InvalidCELExpression
 */
export function checkDependencies(run: Run): void {
  const { object, deps, ctx } = run;
  const keys = dependencyKeysOf(object);
  for (const [index, reference] of (object.spec.dependsOn ?? []).entries()) {
    const key = keys[index] ?? '';
    const field = `spec.dependsOn[${index}]`;
    const why = whyNotReady(run, deps.kustomizations.get(key), { ...reference, field });
    if (why === undefined) continue;
    run.state.phase = 'dependencies';
    const cycle = deps.dependencies.cycleOf(ctx.key);
    const hint =
      cycle === undefined
        ? ''
        : `; it can never be: the dependencies form a cycle: ${cycle.join(' → ')}`;
    throw new WaitingError('DependencyNotReady', `dependency '${key}' ${why}${hint}`);
  }
}
