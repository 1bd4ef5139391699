import type { KubeObject } from '@sluice/shared/api';
import { confirmDrift } from '../drift/drift-confirm.ts';
import type { ApplyContext } from './apply-context.ts';

/**
 * Returns an object as an apply would leave it, when that is how it is already but for the record of who owns which
 * field; undefined when an apply would change anything else, or when that cannot be known without one.
 *
 * Others, such as Flux, send the same object in other words: `strategy: {}` where we send nothing. An apply would write
 * the difference into `managedFields`, and everyone who watches the object would see a change that is none.
 *
 * @param known the live object, if it is watched
 * @throws the signal's reason when aborted, nothing else
 */
export async function asApplied(
  object: KubeObject,
  known: KubeObject | undefined,
  ctx: ApplyContext,
): Promise<KubeObject | undefined> {
  let expected: KubeObject | undefined;
  const onExpected = (result: KubeObject) => {
    expected = result;
  };
  try {
    const drift = await confirmDrift({ ...ctx, desired: object, live: known, onExpected });
    // A webhook that refuses dry-runs leaves only the object of the source, which has no uid.
    return drift === undefined && expected?.metadata.uid !== undefined ? expected : undefined;
  } catch {
    ctx.signal?.throwIfAborted();
    // Whatever is wrong is wrong with the apply, too, which says so or recreates the object.
    return undefined;
  }
}
