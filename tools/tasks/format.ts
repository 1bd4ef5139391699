// npm run format: formats and applies the safe fixes of the linter.
import { runSteps } from './steps.ts';

const root = new URL('../../', import.meta.url).pathname;

process.exitCode = runSteps(root, [
  { name: 'format', command: ['biome', 'check', '--write', '.'] },
]);
