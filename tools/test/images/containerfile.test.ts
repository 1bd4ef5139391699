import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serviceNames } from '../../bundle/bundle.ts';
import { imageRecipes } from '../../images/catalogue.ts';
import { containerfile } from '../../images/containerfile.ts';

const root = join(import.meta.dirname, '../../..');
const cases = imageRecipes.map((recipe) => ({
  name: recipe.name,
  text: containerfile(recipe, '1.2.3', 'Generated'),
}));

test('each service has an image, and each image a Containerfile', () => {
  expect(imageRecipes.map(({ name }) => name).sort()).toEqual(serviceNames().sort());
  const missing = cases.filter(
    ({ name }) => !existsSync(join(root, `services/${name}/Containerfile`)),
  );
  expect(missing).toEqual([]);
});

test.each(cases)('the image of $name starts from nothing, as a user with a number', ({ text }) => {
  const last = text.slice(text.lastIndexOf('\nFROM '));
  expect(last).toMatch(/^\nFROM scratch\n/);
  expect(last).toMatch(/\nUSER 65534:65534\n/);
  expect(last).not.toMatch(/^(RUN|ADD|SHELL) /m);
});

test.each(cases)('the Containerfile of $name names no registry and no architecture', ({ text }) => {
  const bases = [...text.matchAll(/^(?:ARG \w+_IMAGE=|FROM (?:--\S+ )?)(\S+)/gm)];
  expect(bases.map(([, image]) => image).filter((image) => image?.includes('/'))).toEqual([]);
  expect(text).not.toMatch(/x86_64|amd64|aarch64|arm64/);
});
