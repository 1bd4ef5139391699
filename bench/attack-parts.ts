import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGzip } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import type { GitRepository } from '@sluice/testing';
import type { Bench } from './setup.ts';

/** Where the attacks come from. */
export const attackers = 'attackers';

/** `spec` of an object. */
export type Spec = Record<string, unknown>;

/** An object of the attacker. */
export function object(apiVersion: string, kind: string, name: string, spec: Spec): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace: attackers }, spec } as KubeObject;
}

/** A GitRepository of the attacker. */
export const gitRepository = (name: string, url: string, spec: Spec = {}) =>
  object('source.toolkit.fluxcd.io/v1', 'GitRepository', name, {
    interval: '1h',
    timeout: '20s',
    url,
    ref: { branch: 'main' },
    ...spec,
  });

/** A Kustomization of the attacker. */
export const kustomization = (name: string, spec: Spec = {}) =>
  object('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', name, {
    interval: '1h',
    timeout: '30s',
    prune: true,
    path: './',
    serviceAccountName: 'reconciler',
    targetNamespace: attackers,
    sourceRef: { kind: 'GitRepository', name: 'attack' },
    ...spec,
  });

/** A ConfigMap's text, with lines of data. */
export const configMap = (data: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: attack\ndata:\n${data}`;

/** Makes a list. */
export const several = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

/** A repository of files, and Kustomizations of it. */
export async function filesAttack(
  bench: Bench,
  files: Record<string, string>,
  specs: Spec[],
): Promise<{ objects: KubeObject[] }> {
  const { url } = await repository(bench, (repo) => repo.commit({ files }));
  const all = specs.map((spec, at) => kustomization(`attack-${at}`, spec));
  return { objects: [gitRepository('attack', url), ...all] };
}

let repositories = 0;
/** Makes a repository; `fill` commits to it. */
export async function repository(bench: Bench, fill: (repo: GitRepository) => Promise<unknown>) {
  const name = `attack-${repositories++}`;
  await fill(await bench.git.createRepo(name));
  return { url: bench.git.url(name) };
}

/** Commits a tree whose levels each hold the next one many times over. */
export async function expandingTree(
  repo: GitRepository,
  o: { levels: number; width: number; leaf: string },
) {
  const blob = (await repo.git(['hash-object', '-w', '--stdin'], o.leaf)).trim();
  const entries = (mode: string, sha: string) =>
    several(o.width, (at) => `${mode} ${sha}\tpart-${at}`).join('\n');
  let tree = (await repo.git(['mktree'], entries('100644 blob', blob))).trim();
  for (let level = 1; level < o.levels; level++)
    tree = (await repo.git(['mktree'], entries('040000 tree', tree))).trim();
  const commit = (await repo.git(['commit-tree', tree, '-m', 'expand'])).trim();
  await repo.setRef('refs/heads/main', commit);
}

/** A server that answers every request so. */
export function serve(
  answer: () => { headers: Record<string, string>; body: NodeJS.ReadableStream },
) {
  const server = createServer((_, response) => {
    const { headers, body } = answer();
    response.writeHead(200, headers);
    body.pipe(response);
  });
  return new Promise<{ url: string; stop(): void }>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const stop = () => {
        server.closeAllConnections();
        server.close();
      };
      resolve({ url: `http://127.0.0.1:${port}`, stop });
    });
  });
}

/** 300 MB of JSON that take 300 kB on the way. */
export function bomb() {
  const gzip = createGzip({ level: 9 });
  const block = Buffer.alloc(1 << 20, ' ');
  gzip.write('{"items":[');
  for (let at = 0; at < 300; at++) gzip.write(block);
  gzip.end(']}');
  return gzip;
}
