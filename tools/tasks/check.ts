// npm run check: format, lint, types and import layers. Runs everything, then fails if anything did.
import { runSteps } from './steps.ts';

const root = new URL('../../', import.meta.url).pathname;

process.exitCode = runSteps(root, [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
  {
    name: 'import layers',
    command: [
      process.execPath,
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--output-type',
      'err',
      'libs',
      'services',
      'tools',
      'bench',
      'test',
    ],
  },
]);
