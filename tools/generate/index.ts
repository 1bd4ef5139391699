import { generateApiReference } from './api-reference.ts';
import { generateCrds } from './crds.ts';
import { generateFlags } from './flags.ts';
import type { Generator } from './generator.ts';

/** Every generator of the repository. A new one only needs an entry here. */
export const generators: readonly Generator[] = [generateCrds, generateApiReference, generateFlags];
