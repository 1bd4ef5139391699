import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { helmReleaseKind } from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { assertStatusContract, toolPath, until, untilGone } from '@sluice/testing';
import { expect } from 'vitest';
import type { Step } from './main-job.ts';
import { appsV1, coreV1, gitRepository, key, receiver } from './objects.ts';
import { sendPush } from './push.ts';
import { releaseValue, signedEvents, timeoutMs, type World } from './world.ts';

const target = 'shop-release';
const releases = resourceOf(helmReleaseKind);

function chart(version: string, image = 'web:{{ .Chart.Version }}'): Record<string, string> {
  return {
    'chart/Chart.yaml': `apiVersion: v2\nname: web\nversion: ${version}\n`,
    'chart/templates/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: ${image}
`,
    'chart/templates/secret.yaml': `apiVersion: v1
kind: Secret
metadata:
  name: web
stringData:
  password: {{ .Values.password }}
`,
  };
}

const release = {
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  metadata: key,
  spec: {
    interval: '10m',
    timeout: '60s',
    releaseName: 'web',
    targetNamespace: target,
    install: { createNamespace: true },
    driftDetection: { mode: 'enabled' },
    chart: { spec: { chart: './chart', sourceRef: { kind: 'GitRepository', name: 'shop' } } },
    valuesFrom: [
      { kind: 'GitRepository', name: 'shop', path: 'values/production.yaml' },
      { kind: 'Secret', name: 'web-password', valuesKey: 'password', targetPath: 'password' },
    ],
  },
} as unknown as KubeObject;

interface Workload extends KubeObject {
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

/** The Secret that the release takes a value from. */
export const passwordSecret = {
  ...coreV1('Secret'),
  metadata: { namespace: key.namespace, name: 'web-password' },
  stringData: { password: releaseValue },
} as KubeObject;

const imageOf = ({ spec }: Workload) => spec.template.spec.containers[0]?.image;

async function push(world: World, files: Record<string, string>): Promise<void> {
  await world.repo.commit({ files });
  await sendPush(world);
}

async function untilRelease(
  world: World,
  predicate: (object: HelmRelease) => boolean,
): Promise<HelmRelease> {
  return until<HelmRelease>(world.client, releases, key, predicate, { timeoutMs });
}

async function untilReleased(world: World, revision: number): Promise<void> {
  const released = await untilRelease(
    world,
    (object) => isReady(object) && object.status?.history?.[0]?.version === revision,
  );
  assertStatusContract(released);
}

async function untilWorkload(
  world: World,
  predicate: (workload: Workload) => boolean,
): Promise<void> {
  const resource = await world.resource(appsV1('Deployment'));
  const at = { namespace: target, name: 'web' };
  await until<Workload>(world.client, resource, at, predicate, { timeoutMs });
}

async function untilAnnounced(world: World, reason: string, text: string): Promise<void> {
  const isIt = () =>
    signedEvents(world.hmac).some((e) => e.reason === reason && e.message.includes(text));
  await world.hmac.waitFor(isIt, { timeoutMs });
}

/** The life of a release from a chart in Git, in order. Needs the objects of `prepare` and the Secret above. */
export const helmJob: Step[] = [
  {
    name: 'the first commit is installed, and helm knows the release',
    async run(world) {
      await world.repo.commit({
        files: { ...chart('1.0.0'), 'values/production.yaml': 'replicas: 1\n' },
      });
      await world.apply(receiver);
      await world.apply(gitRepository(world));
      await sendPush(world);
      await world.apply(release);
      await untilReleased(world, 1);
      await untilWorkload(world, (workload) => imageOf(workload) === 'web:1.0.0');
      const { stdout } = await runCommand({
        file: toolPath('helm'),
        args: ['list', '--namespace', key.namespace, '--output', 'json'],
        env: { KUBECONFIG: world.controlPlane.kubeconfigPath, HOME: world.dir },
        timeoutMs,
        maxOutputBytes: 2 ** 20,
      });
      expect(JSON.parse(stdout)).toMatchObject([{ name: 'web', status: 'deployed' }]);
    },
  },
  {
    name: 'a new version of the chart is released, and the alert says what it changes',
    async run(world) {
      await push(world, chart('1.1.0'));
      await untilReleased(world, 2);
      await untilWorkload(world, (workload) => imageOf(workload) === 'web:1.1.0');
      await untilAnnounced(
        world,
        'UpgradeSucceeded',
        'spec.template.spec.containers[name=web].image',
      );
    },
  },
  {
    name: 'a new value in Git is released',
    async run(world) {
      await push(world, { 'values/production.yaml': 'replicas: 2\n' });
      await untilReleased(world, 3);
      await untilWorkload(world, ({ spec }) => spec.replicas === 2);
    },
  },
  {
    name: 'a chart that cannot be rendered fails with the reason and leaves the rest as it was',
    async run(world) {
      await push(world, chart('1.2.0', '{{ required "set the image" .Values.image }}'));
      const failed = await untilRelease(
        world,
        ({ status }) => status?.lastAttemptedRevision === '1.2.0' && status.failures === 1,
      );
      const ready = failed.status?.conditions?.find(({ type }) => type === 'Ready');
      expect(ready).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
      await untilAnnounced(world, 'UpgradeFailed', 'set the image');
      await untilWorkload(world, (workload) => imageOf(workload) === 'web:1.1.0');
    },
  },
  {
    name: 'git revert of the chart makes it ready again',
    async run(world) {
      await world.repo.revert();
      await sendPush(world);
      await untilReleased(world, 3);
    },
  },
  {
    name: 'an edit by hand of the release is undone',
    async run(world) {
      await world.client.patch(
        await world.resource(appsV1('Deployment')),
        { namespace: target, name: 'web' },
        { spec: { replicas: 5 } },
        { type: 'merge', fieldManager: 'kubectl-edit' },
      );
      await untilAnnounced(world, 'DriftCorrected', 'spec.replicas');
      await untilWorkload(world, ({ spec }) => spec.replicas === 2);
    },
  },
];

/** Deleting the HelmRelease leaves nothing behind. */
export async function deleteRelease(world: World): Promise<void> {
  await world.client.delete(releases, key);
  await untilGone(world.client, releases, key, { timeoutMs });
  const gone = world.client.get(await world.resource(appsV1('Deployment')), {
    namespace: target,
    name: 'web',
  });
  await expect(gone).rejects.toSatisfy(isNotFound);
}
