import type { ArtifactGenerator } from '@sluice/shared/api';
import { conditionsOf, findCondition, readyCondition } from '@sluice/shared/runtime';
import type { GeneratorDeps } from './deps.ts';
import type { ObservedSources } from './observe-sources.ts';
import { type Output, storedOutput } from './outputs.ts';
import type { OutputRequest } from './requests.ts';

/** Whether the last reconcile ended well for the spec of now. */
export function isSettled(object: ArtifactGenerator): boolean {
  const ready = findCondition(conditionsOf(object), readyCondition);
  return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
}

/**
 * Returns the outputs when what is stored is what the spec and the sources make; undefined when they have to be composed.
 */
export async function findCurrent(
  object: ArtifactGenerator,
  { store }: Pick<GeneratorDeps, 'store'>,
  { requests, sources }: { requests: readonly OutputRequest[]; sources: ObservedSources },
): Promise<Output[] | undefined> {
  const { inventory = [], observedSourcesDigest } = object.status ?? {};
  if (!isSettled(object) || observedSourcesDigest !== sources.digest) return undefined;
  const entries = new Map(inventory.map((entry) => [entry.name, entry]));
  if (entries.size !== requests.length) return undefined;
  const outputs: Output[] = [];
  for (const request of requests) {
    const entry = entries.get(request.name);
    const output = entry && (await storedOutput(object, entry, request, { store, sources }));
    if (output === undefined) return undefined;
    outputs.push(output);
  }
  return outputs;
}
