// Container images of the controllers.
export { type BuiltImage, buildImages } from './build.ts';
export { cannotBuildImages } from './buildah.ts';
export { imageRecipeOf, imageRecipes } from './catalogue.ts';
export { sizeOf } from './size.ts';
