import { findInThread } from '../composition/composition-workers.ts';
import type { GeneratorContext, GeneratorDeps } from './deps.ts';
import { withSources } from './held-sources.ts';
import type { ObservedSources } from './observe-sources.ts';
import { expansionError, type OutputRequest, plainRequests, requestsFor } from './requests.ts';

/**
 * Finds out which ExternalArtifacts an ArtifactGenerator makes.
 *
 * @throws StalledError, RetryableError `BuildFailed` when its pattern cannot be expanded; as {@link withSources}
 */
export async function planOutputs(
  context: GeneratorContext,
  deps: GeneratorDeps,
  sources: ObservedSources,
): Promise<OutputRequest[]> {
  const { object, key, signal } = context;
  const [, alias, pattern] = /^@([^/]+)\/(.*)$/s.exec(object.spec.pathPattern ?? '') ?? [];
  if (alias === undefined || pattern === undefined) return plainRequests(object);
  const input = `${object.metadata.uid} ${object.metadata.generation} ${sources.digest}`;
  const known = deps.found.get(key);
  if (known?.input === input) return known.requests;
  const directories = await withSources(context, deps, sources, {
    aliases: [alias],
    work: async (dirs) => {
      const task = { dir: dirs[alias] ?? '', pattern };
      try {
        return await findInThread(task, { share: object.metadata.namespace ?? '', signal });
      } catch (error) {
        throw expansionError(error);
      }
    },
  });
  const requests = requestsFor(object, directories);
  deps.found.set(key, { input, requests });
  return requests;
}
