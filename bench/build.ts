/**
 * What a build of four objects costs in our builder and in the kustomize program, one after the other.
 *
 *   npm run bench -- build [--n 300]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKustomize } from '@sluice/shared/cli';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { argument } from './setup.ts';

const rounds = Number(argument('n', '300'));

const object = (apiVersion: string, kind: string, more: object = {}) =>
  JSON.stringify({ apiVersion, kind, metadata: { name: 'web' }, ...more });
const files: Record<string, string> = {
  'base/kustomization.yaml': 'resources: [account.yaml, service.yaml, web.yaml]\n',
  'base/account.yaml': object('v1', 'ServiceAccount'),
  'base/service.yaml': object('v1', 'Service', { spec: { ports: [{ port: 80 }] } }),
  'base/web.yaml': object('apps/v1', 'Deployment', {
    spec: { template: { spec: { containers: [{ name: 'web', image: 'nginx:1' }] } } },
  }),
  'app/kustomization.yaml':
    'resources: [../base]\nnamespace: team\nimages: [{name: nginx, newTag: "2"}]\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n',
};

/** CPU time of a process, or of ended children, in milliseconds: the kernel counts it in ticks of 10 ms. */
function cpuMs(stat: string, fields: [number, number]): number {
  const parts = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(parts[field]) * 10, 0);
}

function builderPid(): string {
  const own = `/proc/${process.pid}/task/${process.pid}/children`;
  return readFileSync(own, 'utf8').trim().split(' ').at(-1) ?? '';
}

const report = (name: string, o: { wallMs: number; cpuMs: number; n: number }) =>
  console.log(
    `${name}: ${((o.n / o.wallMs) * 1000).toFixed(0)} builds/s, ${(o.cpuMs / o.n).toFixed(2)} ms CPU and ${(o.wallMs / o.n).toFixed(2)} ms wall a build`,
  );

const folder = await temporaryFolder('bench-build');
const kustomize = createKustomize({ binary: toolPath('kustomize-builder') });
try {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder.path, path, '..'), { recursive: true });
    await writeFile(join(folder.path, path), content);
  }
  const call = { timeoutMs: 60_000, share: 'bench' };
  const input = { root: folder.path, dir: 'app', spec: {} };
  const { seen } = await kustomize.build(input, call);
  const pid = builderPid();
  const ownCpu = async () => cpuMs(await readFile(`/proc/${pid}/stat`, 'utf8'), [11, 12]);
  const measure = async (n: number, run: () => Promise<unknown>) => {
    const [cpu, start] = [await ownCpu(), performance.now()];
    for (let i = 0; i < n; i++) await run();
    return { n, wallMs: performance.now() - start, cpuMs: (await ownCpu()) - cpu };
  };
  const ours = await measure(rounds, () => kustomize.build(input, call));
  const same = await measure(rounds, () => kustomize.isSame(folder.path, seen, call));
  const childCpu = async () => cpuMs(await readFile('/proc/self/stat', 'utf8'), [13, 14]);
  const n = Math.ceil(rounds / 10);
  const [cpu, start] = [await childCpu(), performance.now()];
  const args = ['build', '--load-restrictor', 'LoadRestrictionsNone', join(folder.path, 'app')];
  for (let i = 0; i < n; i++) execFileSync(toolPath('kustomize'), args);
  const theirs = { n, wallMs: performance.now() - start, cpuMs: (await childCpu()) - cpu };
  report('builder', ours);
  report('builder, nothing changed', same);
  report('kustomize program', theirs);
  const ratio = (key: 'cpuMs' | 'wallMs') => theirs[key] / theirs.n / (ours[key] / ours.n);
  console.log(
    `the builder takes ${ratio('cpuMs').toFixed(1)} times less CPU and ${ratio('wallMs').toFixed(1)} times less time`,
  );
} finally {
  await kustomize.close();
  await folder.remove();
}
