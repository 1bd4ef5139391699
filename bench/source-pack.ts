// npm run bench -- source-pack [--files 2000] [--rounds 5]: packs a tree as an artifact, from memory as Git
// repositories are and from the disk as large OCI layers are, against `tar | gzip` of the same files.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { packArtifact, readDirectory, unpackArchive } from '@sluice/shared/artifact';

const run = promisify(execFile);

const { values } = parseArgs({
  options: { files: { type: 'string', default: '2000' }, rounds: { type: 'string', default: '5' } },
});

interface Cost {
  wallMs: number;
  cpuMs: number;
}

/** The cheapest of several rounds. */
async function measure(rounds: number, work: (round: number) => Promise<unknown>): Promise<Cost> {
  let best: Cost = { wallMs: Number.POSITIVE_INFINITY, cpuMs: Number.POSITIVE_INFINITY };
  for (let round = 0; round < rounds; round++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await work(round);
    const wallMs = performance.now() - start;
    const used = process.cpuUsage(cpu);
    const cpuMs = (used.user + used.system) / 1000;
    if (wallMs < best.wallMs) best = { wallMs, cpuMs };
  }
  return best;
}

function manifest(index: number): string {
  const labels = Array.from(
    { length: 5 + (index % 20) },
    (_, i) => `    label-${i}: value-${index * i}`,
  );
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-${index}\n  labels:\n${labels.join('\n')}\n`;
}

async function main(): Promise<void> {
  const count = Number(values.files);
  const rounds = Number(values.rounds);
  const dir = await mkdtemp(join(tmpdir(), 'source-pack-'));
  try {
    const tree = join(dir, 'tree');
    for (let index = 0; index < count; index++) {
      const file = join(tree, `apps/app-${index % 500}/manifest-${index}.yaml`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, manifest(index));
    }
    const entries = await readDirectory(tree);
    const out = (name: string, round: number) => join(dir, `${name}-${round}.tar.gz`);
    const inMemory = await Promise.all(
      entries.map(async (entry) => {
        const content = await entry.read();
        return { ...entry, read: () => content };
      }),
    );
    const pack = await measure(rounds, (round) => packArtifact(inMemory, out('ours', round)));
    const packDisk = await measure(rounds, (round) => packArtifact(entries, out('disk', round)));
    const script = (level: number) => (round: number) =>
      run('sh', [
        '-c',
        `tar -C "$1" -cf - . | gzip -${level} > "$2"`,
        'sh',
        tree,
        out(`gzip${level}`, round),
      ]);
    const gzip6 = await measure(rounds, script(6));
    const gzip3 = await measure(rounds, script(3));
    const unpack = await measure(rounds, async (round) => {
      const target = join(dir, `unpacked-${round}`);
      await mkdir(target);
      await unpackArchive(out('ours', 0), target);
    });
    const size = async (name: string) => (await stat(out(name, 0))).size;
    const ratio = (cost: Cost) => Number((pack.wallMs / cost.wallMs).toFixed(2));
    const result = {
      files: count,
      packMs: pack.wallMs,
      packCpuMs: pack.cpuMs,
      packFromDiskMs: packDisk.wallMs,
      tarGzip6Ms: gzip6.wallMs,
      tarGzip3Ms: gzip3.wallMs,
      ratioToGzip6: ratio(gzip6),
      ratioToGzip3: ratio(gzip3),
      unpackMs: unpack.wallMs,
      bytes: await size('ours'),
      gzip6Bytes: await size('gzip6'),
      gzip3Bytes: await size('gzip3'),
    };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

await main();
