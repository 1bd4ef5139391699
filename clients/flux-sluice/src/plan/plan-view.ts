import type { PlannedObject } from '@sluice/shared/api';
import { oneLine } from '../output/clean.ts';
import { heldText } from '../target/held.ts';
import type { Target } from '../target/target.ts';
import type { WaitingPlan } from './read-plan.ts';

/** What would become of the cluster, as it is printed. */
export interface PlanView {
  target: Target;
  create: number;
  change: number;
  delete: number;
  /** What else tells the plan apart, such as its revision. */
  facts: { label: string; value: string }[];
  /** What comes of it. */
  sentence: string;
  objects: PlannedObject[];
  /** Objects that are counted and not listed. */
  omitted?: number;
}

/** Returns a plan that waits, as it is printed. */
export function viewOfPlan({ target, plan, held }: WaitingPlan): PlanView {
  const { revision, digest, objects = [], omitted, create, change } = plan.spec;
  return {
    target,
    create,
    change,
    delete: plan.spec.delete,
    facts: [
      { label: 'Revision', value: revision },
      { label: 'Plan', value: digest },
    ],
    sentence: heldText(held),
    objects,
    ...(omitted !== undefined && { omitted }),
  };
}

/** What a plan does, in numbers. */
export function countsText(o: Pick<PlanView, 'create' | 'change' | 'delete'>): string {
  return `${Number(o.create)} to create, ${Number(o.change)} to change, ${Number(o.delete)} to delete`;
}

/** Names an object of a plan, as `Deployment apps/web`. */
export function plannedName({ kind, namespace, name }: PlannedObject): string {
  return oneLine(`${kind} ${namespace ? `${namespace}/` : ''}${name}`);
}

/** How many objects are missing from a plan, in words; undefined when none are. */
export function omittedText(omitted: number | undefined): string | undefined {
  return omitted ? `${Number(omitted)} more objects did not fit into the Plan.` : undefined;
}
