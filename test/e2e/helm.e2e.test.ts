import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { helmReleaseKind } from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { assertStatusContract, toolPath, until, untilGone } from '@sluice/shared/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCanaries } from './canaries.ts';
import { appsV1, coreV1, gitRepository, key, prepare, receiver } from './objects.ts';
import { sendPush } from './push.ts';
import { releaseValue, signedEvents, startWorld, timeoutMs, type World } from './world.ts';

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

describe('a commit becomes a Helm release that stays as it is, and someone hears about it', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
    await prepare(world);
    await world.apply({
      ...coreV1('Secret'),
      metadata: { namespace: key.namespace, name: 'web-password' },
      stringData: { password: releaseValue },
    } as KubeObject);
  });
  afterAll(() => world?.stop());

  async function push(files: Record<string, string>): Promise<void> {
    await world.repo.commit({ files });
    await sendPush(world);
  }

  async function untilRelease(predicate: (object: HelmRelease) => boolean): Promise<HelmRelease> {
    return until<HelmRelease>(world.client, releases, key, predicate, { timeoutMs });
  }

  async function untilReleased(revision: number): Promise<HelmRelease> {
    const released = await untilRelease(
      (object) => isReady(object) && object.status?.history?.[0]?.version === revision,
    );
    assertStatusContract(released);
    return released;
  }

  async function untilWorkload(predicate: (workload: Workload) => boolean): Promise<void> {
    const resource = await world.resource(appsV1('Deployment'));
    const at = { namespace: target, name: 'web' };
    await until<Workload>(world.client, resource, at, predicate, { timeoutMs });
  }

  async function untilAnnounced(reason: string, text: string): Promise<void> {
    const isIt = () =>
      signedEvents(world.hmac).some((e) => e.reason === reason && e.message.includes(text));
    await world.hmac.waitFor(isIt, { timeoutMs });
  }

  const imageOf = ({ spec }: Workload) => spec.template.spec.containers[0]?.image;

  test('the first commit is installed, and helm knows the release', async () => {
    await world.repo.commit({
      files: { ...chart('1.0.0'), 'values/production.yaml': 'replicas: 1\n' },
    });
    await world.apply(receiver);
    await world.apply(gitRepository(world));
    await world.apply(release);
    await untilReleased(1);
    await untilWorkload((workload) => imageOf(workload) === 'web:1.0.0');
    const { stdout } = await runCommand({
      file: toolPath('helm'),
      args: ['list', '--namespace', key.namespace, '--output', 'json'],
      env: { KUBECONFIG: world.controlPlane.kubeconfigPath, HOME: world.dir },
      timeoutMs,
      maxOutputBytes: 2 ** 20,
    });
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'web', status: 'deployed' }]);
  }, 120_000);

  test('a new version of the chart is released, and the alert says what it changes', async () => {
    await push(chart('1.1.0'));
    await untilReleased(2);
    await untilWorkload((workload) => imageOf(workload) === 'web:1.1.0');
    await untilAnnounced('UpgradeSucceeded', 'spec.template.spec.containers[name=web].image');
  }, 120_000);

  test('a new value in Git is released', async () => {
    await push({ 'values/production.yaml': 'replicas: 2\n' });
    await untilReleased(3);
    await untilWorkload(({ spec }) => spec.replicas === 2);
  }, 120_000);

  test('a chart that cannot be rendered fails with the reason and leaves the rest as it was', async () => {
    await push(chart('1.2.0', '{{ required "set the image" .Values.image }}'));
    const failed = await untilRelease(
      ({ status }) => status?.lastAttemptedRevision === '1.2.0' && status.failures === 1,
    );
    const ready = failed.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
    await untilAnnounced('UpgradeFailed', 'set the image');
    await untilWorkload((workload) => imageOf(workload) === 'web:1.1.0');
  }, 120_000);

  test('git revert makes it ready again', async () => {
    await world.repo.revert();
    await sendPush(world);
    await untilReleased(3);
  }, 120_000);

  test('an edit by hand is undone', async () => {
    await world.client.patch(
      await world.resource(appsV1('Deployment')),
      { namespace: target, name: 'web' },
      { spec: { replicas: 5 } },
      { type: 'merge', fieldManager: 'kubectl-edit' },
    );
    await untilAnnounced('DriftCorrected', 'spec.replicas');
    await untilWorkload(({ spec }) => spec.replicas === 2);
  }, 120_000);

  test('no secret value is in logs, events, status, metrics, arguments, or files', async () => {
    expect(await findCanaries(world)).toEqual([]);
  });

  test('deleting the HelmRelease leaves nothing behind', async () => {
    await world.client.delete(releases, key);
    await untilGone(world.client, releases, key, { timeoutMs });
    const gone = world.client.get(await world.resource(appsV1('Deployment')), {
      namespace: target,
      name: 'web',
    });
    await expect(gone).rejects.toSatisfy(isNotFound);
  }, 120_000);
});
