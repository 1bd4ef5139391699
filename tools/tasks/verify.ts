// npm run verify: fails when a generated file on the disk is not what the sources would make now.
import { generators } from '../generate/index.ts';
import { compareWithDisk, generateAll } from '../generate/output.ts';

const root = new URL('../../', import.meta.url).pathname;
const files = await generateAll(generators);
const differences = await compareWithDisk(root, files);
for (const { path, problem } of differences) console.error(`${path}: ${problem}`);
if (differences.length > 0) {
  console.error('Run `npm run generate` and commit the result.');
  process.exitCode = 1;
} else {
  console.error(`${files.size} generated files are up to date`);
}
