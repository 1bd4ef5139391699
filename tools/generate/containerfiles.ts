import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageRecipes } from '../images/catalogue.ts';
import { containerfile } from '../images/containerfile.ts';
import { generatedMark } from './generator.ts';

const root = join(import.meta.dirname, '../..');

/** Generates services/<name>/Containerfile, one for each image. */
export async function generateContainerfiles(): Promise<Map<string, string>> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return new Map(
    imageRecipes.map((recipe) => [
      `services/${recipe.name}/Containerfile`,
      containerfile(recipe, version, generatedMark),
    ]),
  );
}
