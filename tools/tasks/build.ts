// npm run build [-- NAMES]: a bundle of each controller in dist/<controller>/, with the licences of what it contains, and
// of the command line plugin in dist/flux-sluice/.
// npm run build -- --images: their images, in the cache, and their sizes.
// npm run build -- --charts: the packages of the charts in dist/charts/.
import { bundleClient, bundleService, clientNames, serviceNames } from '../bundle/bundle.ts';

const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
const args = process.argv.slice(2);
if (args[0] === '--images') await buildImages();
else if (args[0] === '--charts') await buildCharts();
else for (const name of args.length > 0 ? args : everyName()) await buildBundle(name);

function everyName(): string[] {
  return [...serviceNames(), ...clientNames()];
}

async function buildBundle(name: string): Promise<void> {
  const bundle = clientNames().includes(name) ? bundleClient : bundleService;
  const { directory, bytes, packages } = await bundle(name);
  console.log(`${directory}: ${mebibytes(bytes)}, ${packages.length} packages`);
}

// Loaded when asked for: bundles are also made where these files are absent.
async function buildImages(): Promise<void> {
  const { buildImages: build, cannotBuildImages, sizeOf } = await import('../images/index.ts');
  const reason = await cannotBuildImages();
  if (reason !== undefined) throw new Error(`building images ${reason}`);
  for (const image of Object.values(await build(process.env, (line) => console.error(line)))) {
    const { bytes, compressedBytes } = await sizeOf(image);
    console.log(`${image.rootfs}: ${mebibytes(bytes)}, compressed ${mebibytes(compressedBytes)}`);
  }
}

async function buildCharts(): Promise<void> {
  const { packageCharts } = await import('../charts/package.ts');
  const { provision } = await import('../provision/index.ts');
  const { helm } = await provision(['helm']);
  for (const path of Object.values(await packageCharts({ helm }))) console.log(path);
}
