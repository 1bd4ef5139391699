// npm run build: one bundle per controller in dist/<controller>/, with the licences of what it contains.
import { bundleService, serviceNames } from '../bundle/bundle.ts';

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : serviceNames()) {
  const { directory, bytes, packages } = await bundleService(name);
  console.log(`${directory}: ${(bytes / 1024 / 1024).toFixed(2)} MiB, ${packages} packages`);
}
