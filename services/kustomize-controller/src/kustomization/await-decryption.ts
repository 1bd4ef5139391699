import { formatDuration } from '@sluice/shared/base';
import { type Outcome, progressingReason, waiting } from '@sluice/shared/runtime';
import type { DecryptionKeys } from '../decryption/held-keys.ts';
import { PatientDecryption } from '../decryption/patient-decryption.ts';
import { type Run, sourceOf } from './run.ts';
import type { KustomizationState } from './state.ts';

/**
 * Returns the decryptions of a build: those that an earlier reconcile has begun for the same input, or new ones, whose
 * end brings the Kustomization back.
 */
export function decryptionOf(run: Run, input: string, keys: DecryptionKeys): PatientDecryption {
  const { state, deps, ctx, timeoutMs } = run;
  const known = state.decryption;
  if (known?.input === input) {
    run.startedAt = Math.min(run.startedAt, known.startedAt);
    return known;
  }
  known?.abandon();
  const { name, namespace = '' } = run.object.metadata;
  const { client, clock, signal, key, priority } = ctx;
  const made = new PatientDecryption({
    ...{ input, clock, signal, timeoutMs, share: namespace, sops: deps.sops },
    open: deps.dataKeys.for({ client, namespace, name, keys }),
    onEnd: () => deps.revisit(key, priority),
  });
  state.decryption = made;
  return made;
}

/**
 * Ends a reconcile that needs what is not decrypted yet; it goes on once that is there, refused, or out of time. Where
 * nothing is decrypted any more, the change that ended it brings the key back.
 */
export function awaitDecryption(run: Run): Outcome {
  const { decryption } = run.state;
  if (decryption === undefined) return waiting();
  const { revision } = sourceOf(run);
  const limit = formatDuration(run.timeoutMs);
  const message = `Waiting for the decryption of revision ${revision} with a timeout of ${limit}`;
  run.ctx.status.reconciling(progressingReason, message);
  return waiting(decryption.deadlineAt);
}

/** Ends decryptions that no build needs any more. */
export function dropDecryption(state: KustomizationState | undefined): void {
  state?.decryption?.abandon();
  if (state !== undefined) state.decryption = undefined;
}
