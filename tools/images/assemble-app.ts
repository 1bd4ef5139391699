// Runs while an image is built: node tools/images/assemble-app.ts NAME DIRECTORY. Takes the bundle from ./bundle, the
// programs from ./cli and what assemble-base.ts left from ./base. Leaves in the directory what the image has besides:
// the bundle, time zones where a program asks for them, and the bill of materials.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageRecipeOf } from './catalogue.ts';
import { debianComponents, goComponents, nodeComponents, npmComponents } from './components.ts';
import { gatherTimeZones } from './root.ts';
import { filesBelow, spdxDocument } from './spdx.ts';

const [name = '', to = ''] = process.argv.slice(2);
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const { programs, timeZones } = imageRecipeOf(name);
const { version, license } = readJson('package.json');

process.umask(0o022);
cpSync('bundle', join(to, 'app'), { recursive: true });
rmSync(join(to, 'app/packages.json'));
const zonePackages = timeZones ? gatherTimeZones(to) : [];
const files = [
  ...filesBelow('base/root', '/'),
  // Time zones are many, and belong to a package that is listed.
  ...filesBelow(to, '/').filter(({ path }) => !path.startsWith('/usr/share/zoneinfo/')),
  ...programs.map((each) => ({ path: `/usr/local/bin/${each}`, from: join('cli', each) })),
];
const document = spdxDocument({
  image: { name, version: `v${version}`, license },
  components: [
    ...nodeComponents(process.versions),
    ...debianComponents(readJson('base/packages.json')),
    ...npmComponents(readJson('bundle/packages.json')),
    ...programs.flatMap((program) => goComponents(join('cli', program))),
    ...debianComponents(zonePackages),
  ],
  files,
});
mkdirSync(join(to, 'usr/share/sbom'), { recursive: true });
writeFileSync(join(to, 'usr/share/sbom', `${name}.spdx.json`), document);
