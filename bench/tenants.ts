// npm run bench -- tenants [--n 20] [--only TEXT]: the time from a commit of one tenant to its Kustomization and
// HelmRelease being Ready and its alert delivered, while another tenant attacks the controllers; the baseline is the
// same on an idle system in the same run. Prints the peak of each controller's memory beside it.
import type { HelmRelease, KubeObject, Kustomization } from '@sluice/shared/api';
import {
  gitRepositoryKind,
  helmReleaseKind,
  kustomizationKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { coreResources, gvkOf, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import {
  type Controllers,
  type GitRepository,
  receiveWebhooks,
  until,
  type WebhookReceiver,
} from '@sluice/testing';
import { appObjects, tenant, toYaml } from './apps.ts';
import { attackers } from './attack-parts.ts';
import { argument, type Bench, percentile, withBench } from './setup.ts';
import { type Attack, attacks } from './tenant-attacks.ts';

const namespace = 'victim';
const count = Number(argument('n', '20'));
const only = argument('only', '');
const timeoutMs = 120_000;
/** How often the attacker asks for its objects to be reconciled again. */
const driveMs = 1000;

interface Victim {
  repo: GitRepository;
  alerts: WebhookReceiver;
}

/** Milliseconds from a commit to each of its effects. */
interface Times {
  kustomization: number;
  release: number;
  alert: number;
}

function files(version: string): Record<string, string> {
  return {
    'app/app.yaml': toYaml(appObjects('app', version)),
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 0.1.0\n',
    'chart/templates/config.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  version: "${version}"\n`,
  };
}

function objects(bench: Bench, alerts: WebhookReceiver): KubeObject[] {
  const common = { interval: '1h', serviceAccountName: 'reconciler', targetNamespace: namespace };
  const sourceRef = { kind: 'GitRepository', name: 'app' };
  const spec: [string, string, object][] = [
    [
      'source.toolkit.fluxcd.io/v1',
      'GitRepository',
      { interval: '1h', url: bench.git.url('victim'), ref: { branch: 'main' } },
    ],
    [
      'kustomize.toolkit.fluxcd.io/v1',
      'Kustomization',
      { ...common, prune: true, wait: true, path: './app', sourceRef },
    ],
    [
      'helm.toolkit.fluxcd.io/v2',
      'HelmRelease',
      {
        ...common,
        chart: { spec: { chart: './chart', reconcileStrategy: 'Revision', sourceRef } },
      },
    ],
    [
      'notification.toolkit.fluxcd.io/v1beta3',
      'Provider',
      { type: 'generic', address: alerts.url },
    ],
    [
      'notification.toolkit.fluxcd.io/v1beta3',
      'Alert',
      { providerRef: { name: 'app' }, eventSources: [{ kind: 'Kustomization', name: 'app' }] },
    ],
  ];
  const made = spec.map(([apiVersion, kind, body]) => ({
    apiVersion,
    kind,
    metadata: { name: 'app', namespace },
    spec: body,
  }));
  return [...tenant(namespace), ...made] as KubeObject[];
}

async function commit(bench: Bench, { repo, alerts }: Victim, version: string): Promise<Times> {
  const sha = await repo.commit({ files: files(version) });
  const key = { namespace, name: 'app' };
  const { client } = bench;
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const annotations = { [reconcileRequestAnnotation]: version };
  await client.patch(
    resourceOf(gitRepositoryKind),
    key,
    { metadata: { annotations } },
    { type: 'merge' },
  );
  const kustomization = until<Kustomization>(
    client,
    resourceOf(kustomizationKind),
    key,
    (k) => isReady(k) && (k.status?.lastAppliedRevision ?? '').endsWith(sha),
    { timeoutMs },
  ).then(elapsed);
  const release = until<HelmRelease>(
    client,
    resourceOf(helmReleaseKind),
    key,
    (r) => isReady(r) && (r.status?.history?.[0]?.chartVersion ?? '').endsWith(sha.slice(0, 12)),
    { timeoutMs },
  ).then(elapsed);
  const alert = alerts.waitFor(({ body }) => body.includes(sha), { timeoutMs }).then(elapsed);
  return { kustomization: await kustomization, release: await release, alert: await alert };
}

async function commits(bench: Bench, victim: Victim, label: string): Promise<Times[]> {
  const times: Times[] = [];
  for (let at = 0; at < count; at++) times.push(await commit(bench, victim, `${label}-${at}`));
  return times;
}

/** Keeps an attack going until it is told to stop. */
function drive(bench: Bench, attack: readonly KubeObject[]): { stop(): Promise<void> } {
  let stopped = false;
  const reconciled = attack.filter(({ kind }) => kind !== 'Secret' && kind !== 'Alert');
  const run = async () => {
    for (let at = 0; !stopped; at++) {
      const annotations = { [reconcileRequestAnnotation]: `attack-${at}` };
      for (const object of reconciled) {
        const resource = await bench.client.mapper.resourceFor(gvkOf(object));
        const key = { namespace: attackers, name: object.metadata.name };
        await bench.client.patch(resource, key, { metadata: { annotations } }, { type: 'merge' });
      }
      await new Promise((resolve) => setTimeout(resolve, driveMs));
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function peaks(controllers: Controllers): Promise<string> {
  const entries = Object.entries(controllers.processes).map(async ([name, controller]) => {
    const { peakRssMiB } = await controller.usage();
    return `${name.replace('-controller', '')} ${peakRssMiB.toFixed(0)}`;
  });
  return (await Promise.all(entries)).join(', ');
}

function report(name: string, times: Times[], idle: Times[], memory: string): void {
  const columns = (['kustomization', 'release', 'alert'] as const).map((key) => {
    const p95 = percentile(
      times.map((each) => each[key]),
      95,
    );
    const base = percentile(
      idle.map((each) => each[key]),
      95,
    );
    return `${key} p95 ${p95.toFixed(0)} ms = ${(p95 / base).toFixed(2)} × idle`;
  });
  console.log(`${name}: ${columns.join('; ')}; peak MiB with programs: ${memory}`);
}

/** Peaks are of processes, so that each attack gets new ones. */
async function withControllers<T>(bench: Bench, run: (all: Controllers) => Promise<T>): Promise<T> {
  const controllers = await bench.controllers({});
  try {
    return await run(controllers);
  } finally {
    await controllers.stop();
  }
}

async function benchAttack(bench: Bench, victim: Victim, attack: Attack): Promise<void> {
  await bench.apply(tenant(attackers));
  const prepared = await attack.prepare(bench);
  await withControllers(bench, async (controllers) => {
    await commit(bench, victim, `${attack.name} warm`);
    const idle = await commits(bench, victim, `${attack.name} idle`);
    const idleMemory = await peaks(controllers);
    await bench.apply(prepared.objects);
    const driver = drive(bench, prepared.objects);
    try {
      const times = await commits(bench, victim, attack.name);
      report(attack.name, times, idle, `${await peaks(controllers)} (idle ${idleMemory})`);
    } catch (error) {
      console.log(`${attack.name}: FAILED: ${(error as Error).message.split('\n')[0]}`);
    } finally {
      await driver.stop();
    }
    prepared.stop?.();
    await removeAll(bench, prepared.objects);
  });
}

async function removeAll(bench: Bench, all: readonly KubeObject[]): Promise<void> {
  for (const object of all) {
    const resource = await bench.client.mapper.resourceFor(gvkOf(object));
    const key = { namespace: attackers, name: object.metadata.name };
    const patch = { metadata: { finalizers: null } };
    await bench.client.patch(resource, key, patch, { type: 'merge' });
    await bench.client.delete(resource, key);
  }
}

await withBench(async (bench) => {
  const alerts = await receiveWebhooks();
  try {
    const victim = { alerts, repo: await bench.git.createRepo('victim', files('first')) };
    await bench.apply(objects(bench, alerts));
    await bench.client.get(coreResources.namespaces, { name: namespace });
    for (const attack of attacks.filter(({ name }) => name.includes(only)))
      await benchAttack(bench, victim, attack);
  } finally {
    await alerts.close();
  }
});
