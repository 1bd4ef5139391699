// Runs while an image is built: node tools/images/assemble-base.ts DIRECTORY. Leaves there root/, which is the lowest
// layer of every image, and packages.json, which lists the Debian packages that its libraries are from.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatherRoot } from './root.ts';

const [to = ''] = process.argv.slice(2);

// Files are readable by everyone, whatever the machine that builds would give to its own.
process.umask(0o022);
const packages = gatherRoot(join(to, 'root'));
writeFileSync(join(to, 'packages.json'), JSON.stringify(packages));
