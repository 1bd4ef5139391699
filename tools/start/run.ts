import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, FlagError } from '@sluice/shared/base';
import { createKubeClient, type KubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { startControllers, startGitServer, startNats, temporaryFolder } from '@sluice/testing';
import { provision, type ToolName } from '../provision/index.ts';
import { approve, approveCommand } from './approval.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { applyAll, demoObjects, ensureCrds, removeAll } from './demo.ts';
import { listenForNotifications } from './notifications.ts';
import { helpText, readOptions, type StartOptions } from './options.ts';
import { View } from './view.ts';

const localTools = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
] as const;
const controllerTools = [
  'nats-server',
  'kustomize-builder',
  'helm-renderer',
  'notation-verifier',
] as const;
const examplesDir = join(import.meta.dirname, '../../examples');
const cleanupTimeoutMs = 60_000;

/** Things to undo, last first. */
type Undo = () => Promise<void> | void;

/**
 * Runs `npm start`.
 *
 * @returns the exit code: 0 when all got Ready or the person stopped it, 1 when not Ready in time, 2 for a wrong flag
 */
export async function runStart(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  let options: StartOptions;
  try {
    options = readOptions(argv, env);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    console.error(`npm start: ${error.message}`);
    return 2;
  }
  if (options.help) {
    console.log(helpText);
    return 0;
  }
  const interrupt = new AbortController();
  const stop = () => interrupt.abort(new Error('interrupted'));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const undo: Undo[] = [];
  try {
    const demo = await bringUp(options, interrupt.signal, undo);
    return await watch(demo, options, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    console.error(`npm start: ${errorMessage(error)}`);
    return 1;
  } finally {
    await cleanUp(undo);
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

async function cleanUp(undo: Undo[]): Promise<void> {
  for (const step of undo.toReversed()) {
    try {
      await step();
    } catch (error) {
      console.error(`npm start: cleaning up: ${errorMessage(error)}`);
      process.exitCode = 1;
    }
  }
}

interface Demo {
  cluster: Cluster;
  view: View;
}

/** Starts everything, in the order of dependence; each started thing adds how to undo it. */
async function bringUp(options: StartOptions, signal: AbortSignal, undo: Undo[]): Promise<Demo> {
  const names: ToolName[] =
    options.context === '' ? [...localTools, ...controllerTools] : [...controllerTools];
  process.env['SLUICE_TOOLS'] = JSON.stringify(await provision(names));
  const folder = await temporaryFolder('start');
  undo.push(() => folder.remove());

  say('Starting the control plane, NATS and the Git server…');
  const [cluster, nats, git] = await Promise.all([
    openCluster(options),
    startNats(),
    startGitServer(),
  ]);
  undo.push(
    () => cluster.stop(),
    () => nats.stop(),
    () => git.stop(),
  );
  const client = createKubeClient(
    loadKubeConfig({ path: cluster.kubeconfigPath, context: cluster.context }),
  );
  undo.push(() => client.close());
  await git.createRepo('examples', await readExamples());

  const crds = await ensureCrds(
    client,
    AbortSignal.any([signal, AbortSignal.timeout(cleanupTimeoutMs)]),
  );
  say('Starting the controllers…');
  const controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath: cluster.kubeconfigPath,
    context: cluster.context,
    natsUrl: nats.url,
  });
  undo.push(() => controllers.stop());

  const notifications = await listenForNotifications((line) => view.note(line));
  undo.push(() => notifications.close());
  const view = new View({
    client,
    out: process.stdout,
    live: process.stdout.isTTY && !options.once,
    approveCommand: (plan) => approveCommand(plan, cluster),
    footer: footer(cluster, {
      repository: git.url('examples'),
      logs: Object.values(controllers.processes).map(({ logFile }) => logFile),
    }),
  });
  undo.push(() => view.stop());
  if (!process.stdout.isTTY) for (const line of view.footer) say(line);
  view.start();
  await createDemo(
    { client, cluster, crds, undo },
    demoObjects({ repositoryUrl: git.url('examples'), notificationUrl: notifications.url }),
  );
  return { cluster, view };
}

async function createDemo(
  o: {
    client: KubeClient;
    cluster: Cluster;
    crds: Awaited<ReturnType<typeof ensureCrds>>;
    undo: Undo[];
  },
  objects: ReturnType<typeof demoObjects>,
): Promise<void> {
  if (!o.cluster.local) {
    o.undo.push(async () => {
      say('Removing what was created in the cluster…');
      await removeAll(o.client, [...o.crds, ...objects], AbortSignal.timeout(cleanupTimeoutMs));
    });
  }
  await applyAll(o.client, objects);
}

async function readExamples(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of glob('**/*.{yaml,md}', { cwd: examplesDir })) {
    files[entry] = await readFile(join(examplesDir, entry), 'utf8');
  }
  return files;
}

function footer(cluster: Cluster, o: { repository: string; logs: string[] }): string[] {
  const context = cluster.context === undefined ? '' : ` --context ${cluster.context}`;
  return [
    `Look at it:    kubectl --kubeconfig ${cluster.kubeconfigPath}${context} get gitrepositories,kustomizations,helmreleases,deployments -A`,
    `Change it:     git clone ${o.repository}, commit, push`,
    ...o.logs.map((path, at) => `${at === 0 ? 'Read its logs:' : ''.padEnd(14)} ${path}`),
    'End it:        Ctrl-C',
  ];
}

/** Kustomizations, HelmReleases and sources that the example repository leads to. */
const expectedObjects = 7;

/** The application `worker` waits for an approval, which is given here with `--once`, and by the person without. */
async function watch(
  { cluster, view }: Demo,
  options: StartOptions,
  interrupted: AbortSignal,
): Promise<number> {
  if (!options.once) {
    await new Promise((resolve) => interrupted.addEventListener('abort', resolve, { once: true }));
    return 0;
  }
  const timeout = AbortSignal.timeout(options.timeout);
  const signal = AbortSignal.any([timeout, interrupted]);
  try {
    say(await approve(await view.planToApprove(signal), cluster, signal));
    await view.allReady(expectedObjects, signal);
  } catch (error) {
    if (!timeout.aborted) throw error;
    console.error(`Not everything got Ready in time:\n${view.table().join('\n')}`);
    return 1;
  }
  console.log(`\n${view.table().join('\n')}\n\nEverything is Ready.`);
  return 0;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
