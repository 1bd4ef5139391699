import { type PodImage, podsCannotRun, repositoryName } from '@sluice/testing';
import { type BuiltImage, buildImages, cannotBuildImages } from '../../../tools/images/index.ts';

/**
 * Why images cannot be built here. Where SLUICE_IMAGES is `required`, as in CI, this is an error instead, so that
 * nothing is left out in silence.
 *
 * @throws Error with the reason when images are required
 */
export async function imagesCannotBuild(): Promise<string | undefined> {
  // A builder needs the rights that running Pods needs.
  const reason = (await cannotBuildImages()) ?? podsCannotRun();
  if (reason === undefined) return undefined;
  if (process.env['SLUICE_IMAGES'] === 'required') throw new Error(`building images ${reason}`);
  console.warn(`The tests of images are left out: building them ${reason}`);
  return reason;
}

/** Builds the images of all controllers, or takes those that were built of the same sources. */
export function builtImages(): Promise<Record<string, BuiltImage>> {
  return buildImages(process.env, (line) => console.log(line));
}

/**
 * Finds built images by reference, for a test node.
 *
 * @param otherwise asked for references that are none of ours, such as that of NATS
 */
export function podImages(
  built: Record<string, BuiltImage>,
  otherwise: (reference: string) => PodImage,
): (reference: string) => PodImage {
  return (reference) => {
    const image = built[repositoryName(reference)];
    if (image === undefined) return otherwise(reference);
    const { User, Entrypoint, Env } = image.config;
    const [uid, gid] = User.split(':').map(Number) as [number, number];
    return {
      rootfs: image.rootfs,
      entrypoint: Entrypoint,
      env: Object.fromEntries(Env.map((line) => line.split(/=(.*)/s).slice(0, 2))),
      user: { uid, gid },
    };
  };
}

/**
 * The images that charts name: built ones where they are required, as in CI, else ones made of bundles, which are there
 * sooner after a change.
 *
 * @param otherwise makes images of bundles; asked for those that are none of ours in either case
 */
export async function chartImages(
  otherwise: () => Promise<(reference: string) => PodImage>,
): Promise<(reference: string) => PodImage> {
  const others = await otherwise();
  if (process.env['SLUICE_IMAGES'] !== 'required') return others;
  await imagesCannotBuild();
  return podImages(await builtImages(), others);
}
