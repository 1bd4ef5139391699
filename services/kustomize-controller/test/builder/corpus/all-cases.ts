import type { BuildCase } from './case.ts';
import { fileCases } from './file-cases.ts';
import { kustomizationCases } from './kustomization-cases.ts';
import { filesOf, overlays } from './overlays.ts';
import { patchCases } from './patch-cases.ts';
import { specCases } from './spec-cases.ts';
import { substitutionCases } from './substitution-cases.ts';
import { textCases } from './text-cases.ts';

/** The overlay that names the version of kustomize. */
export const managedBy = 'managed by';

const overlayCases: BuildCase[] = Object.entries(overlays).map(([name, overlay]) => ({
  name,
  files: filesOf(overlay),
  spec: { path: 'app' },
  differs: name === managedBy ? 'names the version of kustomize' : undefined,
}));

/** All cases. */
export const allCases: BuildCase[] = [
  ...fileCases,
  ...kustomizationCases,
  ...specCases,
  ...patchCases,
  ...textCases,
  ...substitutionCases,
  ...overlayCases,
];
