// npm run bench -- git-fetch [--files 2000] [--rounds 5]: fetches a repository's newest commit and makes its artifact,
// against `git clone --depth 1` of the same repository from the same server.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGitServer, temporaryFolder } from '@sluice/testing';
import { Agent } from 'undici';
import { HttpTransport } from '../services/source-controller/src/adapters/git/http-transport.ts';
import { GitRemote } from '../services/source-controller/src/adapters/git/remote.ts';
import { packTreeAnywhere } from '../services/source-controller/src/packing/packing-workers.ts';
import { argument, percentile } from './setup.ts';

const run = promisify(execFile);
const maxBytes = 256 * 1024 * 1024;

function manifest(index: number): string {
  const labels = Array.from({ length: 5 + (index % 20) }, (_, i) => `    l-${i}: v-${index * i}`);
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-${index}\n  labels:\n${labels.join('\n')}\n`;
}

/** Milliseconds of each round. */
async function measure(rounds: number, work: (round: number) => Promise<unknown>) {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work(round);
    times.push(performance.now() - start);
  }
  return times;
}

async function main(): Promise<void> {
  const count = Number(argument('files', '2000'));
  const rounds = Number(argument('rounds', '5'));
  const folder = await temporaryFolder('git-fetch');
  const server = await startGitServer();
  const dispatcher = new Agent();
  try {
    const paths = Array.from({ length: count }, (_, i) => [
      `apps/app-${i % 200}/manifest-${i}.yaml`,
      manifest(i),
    ]);
    const repo = await server.createRepo('app', Object.fromEntries(paths));
    await repo.git(['gc', '--quiet']);
    const commit = await repo.resolve('main');
    // As between polls, what the server said about itself is remembered.
    let discovery: GitRemote['discovery'];
    const fetch = async (round: number) => {
      const url = new URL(server.url('app'));
      const signal = AbortSignal.timeout(60_000);
      const remote = new GitRemote({
        transport: new HttpTransport({ url, dispatcher, signal }),
        signal,
        discovery,
      });
      const name = join(folder.path, `round-${round}`);
      await remote.listRefs('refs/heads/main');
      discovery = remote.discovery;
      const pack = await remote.fetchPack({ commit, path: `${name}.pack`, maxBytes });
      const task = {
        pack,
        commit,
        sparse: [],
        includes: [],
        algorithm: 'sha256' as const,
        maxBytes,
      };
      const places = { destination: `${name}.tar.gz`, workDir: `${name}.d` };
      await packTreeAnywhere({ ...task, ...places }, {});
    };
    const clone = (round: number) =>
      run('git', ['clone', '-q', '--depth=1', server.url('app'), `${folder.path}/clone-${round}`]);
    const [first = Number.NaN] = await measure(1, () => fetch(rounds));
    const cpuBefore = process.cpuUsage();
    const ours = await measure(rounds, fetch);
    const { user, system } = process.cpuUsage(cpuBefore);
    const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
    const git = await measure(rounds, clone);
    const result = {
      files: count,
      firstMs: first,
      fetchMs: percentile(ours, 50),
      fetchCpuMs: (user + system) / 1000 / rounds,
      maxRssMiB: rssMiB,
      gitCloneMs: percentile(git, 50),
      ratioToGitClone: Number((percentile(ours, 50) / percentile(git, 50)).toFixed(2)),
    };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await dispatcher.close();
    await server.stop();
    await folder.remove();
  }
}

await main();
