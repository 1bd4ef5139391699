// npm run generate: writes what is made from the sources (CRDs, API reference, …).
import { generators } from '../generate/index.ts';
import { generateAll, writeToDisk } from '../generate/output.ts';

const root = new URL('../../', import.meta.url).pathname;
const files = await generateAll(generators);
const changes = await writeToDisk(root, files);
for (const { path, problem } of changes) {
  console.error(`${files.has(path) ? 'written' : 'removed'}: ${path} (was ${problem})`);
}
console.error(`${files.size} generated files, ${changes.length} changed`);
