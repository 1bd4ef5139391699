// npm run bench -- git [--only TEXT] [--rounds 3]: the time from a new GitRepository to its artifact, and of a look at
// it while nothing changes. The baselines are `git clone --depth 1` with `tar` and `gzip`, and `git ls-remote`, from
// the same server in the same run.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GitRepository, KubeObject } from '@sluice/shared/api';
import { gitRepositoryKind, reconcileRequestAnnotation } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until, untilGone } from '@sluice/testing';
import { tenant } from './apps.ts';
import { argument, type Bench, percentile, withBench } from './setup.ts';

const execute = promisify(execFile);
const namespace = 'sources';
const key = { namespace, name: 'repo' };
const resource = resourceOf(gitRepositoryKind);
const timeoutMs = 300_000;
const only = argument('only', '');
const rounds = Number(argument('rounds', '3'));

interface Repository {
  name: string;
  files: number;
  /** Bytes of each file. */
  bytes: number;
  commits: number;
}

const repositories: Repository[] = [
  { name: '1,000 files of 10 kB', files: 1000, bytes: 10_000, commits: 1 },
  { name: '10,000 files of 20 kB', files: 10_000, bytes: 20_000, commits: 1 },
  { name: '100,000 files of 100 bytes', files: 100_000, bytes: 100, commits: 1 },
  { name: '20,000 commits', files: 100, bytes: 1000, commits: 20_000 },
];

/** Text that compresses as manifests do, and differs from file to file. */
function content(file: number, bytes: number): string {
  let text = '';
  for (let line = 0; text.length < bytes; line++) {
    text += `  key-${line}: value-${((file + 1) * 2654435761 * (line + 1)) % 4294967296}\n`;
  }
  return text.slice(0, bytes);
}

async function create(bench: Bench, { name, files, bytes, commits }: Repository): Promise<string> {
  const path = name.replaceAll(/[^a-z0-9]+/g, '-');
  const paths = Array.from({ length: files }, (_, at) => [
    `apps/app-${at % 500}/file-${at}.yaml`,
    content(at, bytes),
  ]);
  const repo = await bench.git.createRepo(path, Object.fromEntries(paths));
  const step = (at: number) => {
    const when = `${1_700_000_000 + at} +0000`;
    const from = at === 1 ? 'from refs/heads/main^0\n' : '';
    const message = `Change ${at}`;
    const body = `version: ${at}\n`;
    return `commit refs/heads/main\ncommitter A <a@example.com> ${when}\ndata ${message.length}\n${message}\n${from}M 100644 inline version.yaml\ndata ${body.length}\n${body}\n`;
  };
  const history = Array.from({ length: commits - 1 }, (_, at) => step(at + 1)).join('');
  if (history !== '') await repo.git(['fast-import', '--quiet', '--force'], history);
  await repo.git(['gc', '--quiet']);
  return bench.git.url(path);
}

interface Cost {
  seconds: number;
  cpuSeconds: number;
}

/** Wall and CPU time of a command of the shell, all its processes included. */
async function shell(command: string): Promise<Cost> {
  const timed = `TIMEFORMAT='%R %U %S'; time { ${command}; }`;
  const { stderr } = await execute('bash', ['-ec', timed]);
  const [wall, user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds: wall ?? Number.NaN, cpuSeconds: (user ?? 0) + (system ?? 0) };
}

function sourceOf(url: string): KubeObject {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { ...key },
    spec: { interval: '1h', timeout: '5m', url, ref: { branch: 'main' } },
  } as KubeObject;
}

/** One process for each repository: the peak of its memory is that of this fetch. */
async function ours(bench: Bench, url: string): Promise<Cost & { peakRssMiB: number; poll: Cost }> {
  const name = 'source-controller';
  const controllers = await bench.controllers({ [name]: ['--concurrent=4'] }, [name]);
  const controller = controllers.processes[name];
  const timed = async (run: () => Promise<unknown>): Promise<Cost> => {
    const before = (await controller?.usage())?.cpuSeconds ?? 0;
    const started = performance.now();
    await run();
    const seconds = (performance.now() - started) / 1000;
    return { seconds, cpuSeconds: ((await controller?.usage())?.cpuSeconds ?? 0) - before };
  };
  try {
    const first = await timed(async () => {
      await bench.apply([sourceOf(url)]);
      await until<GitRepository>(bench.client, resource, key, isReady, { timeoutMs });
    });
    const polls: Cost[] = [];
    for (let round = 0; round < rounds; round++) {
      polls.push(await timed(() => look(bench, `look-${round}`)));
    }
    const { peakRssMiB = Number.NaN } = (await controller?.usage()) ?? {};
    return { ...first, peakRssMiB, poll: median(polls) };
  } finally {
    await bench.client.delete(resource, key);
    await untilGone(bench.client, resource, key, { timeoutMs });
    await controllers.stop();
  }
}

async function look(bench: Bench, at: string): Promise<void> {
  const metadata = { annotations: { [reconcileRequestAnnotation]: at } };
  await bench.client.patch(resource, key, { metadata }, { type: 'merge' });
  await until<GitRepository>(
    bench.client,
    resource,
    key,
    (object) => object.status?.lastHandledReconcileAt === at,
    { timeoutMs },
  );
}

function median(costs: Cost[]): Cost {
  const of = (pick: (cost: Cost) => number) => percentile(costs.map(pick), 50);
  return { seconds: of((cost) => cost.seconds), cpuSeconds: of((cost) => cost.cpuSeconds) };
}

async function repeat(run: (round: number) => Promise<Cost>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round++) costs.push(await run(round));
  return median(costs);
}

const described = ({ seconds, cpuSeconds }: Cost) =>
  `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s CPU`;

function report(name: string, what: string, mine: Cost, theirs: Cost & { name: string }): void {
  const ratio = (mine.seconds / theirs.seconds).toFixed(2);
  console.log(
    `${name}: ${what} ${described(mine)} = ${ratio} × ${theirs.name} (${described(theirs)})`,
  );
}

await withBench(async (bench) => {
  await bench.apply(tenant(namespace));
  for (const repository of repositories.filter(({ name }) => name.includes(only))) {
    const url = await create(bench, repository);
    const dir = join(bench.dir, 'clones');
    const clone = await repeat((round) =>
      shell(
        `git clone -q --depth 1 --single-branch ${url} ${dir}/${round}; tar c -C ${dir}/${round} --exclude=.git . | gzip > ${dir}/${round}.tgz; rm -rf ${dir}`,
      ),
    );
    const list = await repeat(() => shell(`git ls-remote ${url} refs/heads/main > /dev/null`));
    const { peakRssMiB, poll, ...first } = await ours(bench, url);
    const { name } = repository;
    report(name, 'first artifact in', first, { name: 'git clone, tar, gzip', ...clone });
    console.log(`${name}: peak ${peakRssMiB.toFixed(0)} MiB`);
    report(name, 'no change', poll, { name: 'git ls-remote', ...list });
  }
});
