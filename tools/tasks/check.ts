// npm run check: format, lint, types and import layers. Runs everything, then fails if anything did.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runSteps } from './steps.ts';

const root = new URL('../../', import.meta.url).pathname;
const programs = readdirSync(join(root, 'programs'));
// Prints the files that it would change, and ends well all the same.
const unformatted = 'files=$(gofmt -l programs tools/go) && echo "$files" && [ -z "$files" ]';

process.exitCode = runSteps(root, [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'format of Go', command: ['sh', '-c', unformatted] },
  ...programs.map((name) => ({
    name: `go vet of ${name}`,
    command: ['go', '-C', `programs/${name}`, 'vet', './...'] as [string, ...string[]],
  })),
  { name: 'types', command: ['tsc', '-p', '.'] },
  {
    name: 'import layers',
    command: [
      process.execPath,
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--output-type',
      'err',
      'clients',
      'libs',
      'services',
      'tools',
      'bench',
      'test',
    ],
  },
]);
