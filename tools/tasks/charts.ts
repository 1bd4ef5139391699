// node tools/run.mjs charts [DIR]: packs the Helm charts into dist/charts, or DIR.
import { resolve } from 'node:path';
import { packageCharts } from '../charts/package.ts';
import { provision } from '../provision/index.ts';

const [dir] = process.argv.slice(2);
const { helm } = await provision(['helm']);
const packages = await packageCharts({ helm, dir: dir === undefined ? undefined : resolve(dir) });
for (const path of Object.values(packages)) console.log(path);
