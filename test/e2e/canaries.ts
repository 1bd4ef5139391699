import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allKinds, type KubeObject } from '@sluice/shared/api';
import { type ApiResource, coreResources, isNotFound, resourceOf } from '@sluice/shared/kube';
import { hmacKey, receiverToken, releaseValue, slackToken, type World } from './world.ts';

const secrets = [hmacKey, receiverToken, slackToken, releaseValue];
const canaries = [...secrets, ...secrets.map((value) => Buffer.from(value).toString('base64'))];

/**
 * Looks for secret values wherever a controller may have left one.
 *
 * @returns the places that hold one; none when all is well
 */
export async function findCanaries(world: World): Promise<string[]> {
  const places = new Map<string, string>();
  for await (const entry of glob('**/*', { cwd: world.dir, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) places.set(path, await contentOf(path));
  }
  for (const controller of Object.values(world.controllers.processes)) {
    places.set(`metrics of ${controller.name}`, await (await fetch(controller.metricsUrl)).text());
    places.set(
      `arguments of ${controller.name}`,
      await readFile(`/proc/${controller.pid}/cmdline`, 'utf8'),
    );
  }
  for (const resource of [coreResources.events, ...allKinds.map((kind) => resourceOf(kind))]) {
    places.set(resource.kind, JSON.stringify(await objectsOf(world, resource)));
  }
  return [...places]
    .filter(([, text]) => canaries.some((value) => text.includes(value)))
    .map(([place]) => place);
}

/** The objects of a kind; none when the kind is not installed. */
async function objectsOf({ client }: World, resource: ApiResource): Promise<KubeObject[]> {
  try {
    return (await client.list<KubeObject>(resource)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** The content of a file; nothing when its owner has replaced it since the directory was listed. */
async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
