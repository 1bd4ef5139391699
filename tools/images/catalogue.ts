import type { ToolName } from '../provision/catalogue.ts';

/** The user and group of every controller, which Kubernetes accepts as not root because it is a number. */
export const imageUser = 65534;

/** What the image of a controller has beyond Node and the bundle. */
export interface ImageRecipe {
  /** The last part of the image's name, that of the controller. */
  name: string;
  description: string;
  /** The programs that the controller starts. */
  programs: ToolName[];
  /** Whether a program asks for time zones; Node has its own. */
  timeZones: boolean;
}

/** Every image of the repository. */
export const imageRecipes: readonly ImageRecipe[] = [
  {
    name: 'source-controller',
    description: 'Fetches Git repositories, OCI artifacts and Helm charts, and serves them',
    programs: ['notation-verifier'],
    timeZones: false,
  },
  {
    name: 'source-watcher',
    description: 'Composes and splits the artifacts of sources',
    programs: [],
    timeZones: false,
  },
  {
    name: 'kustomize-controller',
    description: 'Builds, applies, prunes and watches Kustomizations',
    programs: ['kustomize-builder', 'sops'],
    timeZones: false,
  },
  {
    name: 'helm-controller',
    description: 'Installs, upgrades, tests and watches Helm releases',
    // Templates may use dateInZone.
    programs: ['helm-renderer', 'kustomize-builder'],
    timeZones: true,
  },
  {
    name: 'notification-controller',
    description: 'Delivers alerts and takes webhooks',
    programs: [],
    timeZones: false,
  },
];

/**
 * The recipe of one image.
 *
 * @throws Error when there is no such image
 */
export function imageRecipeOf(name: string): ImageRecipe {
  const recipe = imageRecipes.find((each) => each.name === name);
  if (recipe === undefined) {
    const names = imageRecipes.map((each) => each.name).join(', ');
    throw new Error(`there is no image ${name}; there are: ${names}`);
  }
  return recipe;
}
