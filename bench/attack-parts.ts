import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
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

/** Starts a server in a process of its own, whose work is not that of the bench. */
export async function serve(program: string): Promise<{ url: string; stop(): void }> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)));
  const [url] = await once(child, 'message');
  return { url: String(url), stop: () => child.kill() };
}
