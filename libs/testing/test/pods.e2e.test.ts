import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { createKubeClient, gvkOf, type KubeClient, loadKubeConfig } from '@sluice/shared/kube';
import {
  type ControlPlane,
  type PodImage,
  type PodNode,
  podsCannotRun,
  type RunningPod,
  receiveWebhooks,
  startControlPlane,
  startPodNode,
  temporaryFolder,
  until,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Report } from './pod-report.ts';

const namespace = 'probe';
const caFile = '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt';
const reason = podsCannotRun();
if (reason) console.warn(`the tests of the test node are skipped: ${reason}`);

const image: PodImage = {
  rootfs: '/',
  mounts: {
    '/usr/local/bin/node': process.execPath,
    '/app/pod-report.ts': join(import.meta.dirname, 'pod-report.ts'),
  },
  entrypoint: [
    '/usr/local/bin/node',
    '--disable-warning=ExperimentalWarning',
    '/app/pod-report.ts',
  ],
  env: { PATH: '/usr/local/bin', FROM_IMAGE: 'yes' },
  user: { uid: 65534, gid: 65534 },
};

function objects(testUrl: string): KubeObject[] {
  const metadata = { namespace, name: 'echo' };
  const labels = { app: 'echo' };
  const container = {
    name: 'manager',
    image: 'registry.example.com/echo:v1',
    args: ['--advertise=http://$(NAME).$(SPACE)', '--price=$$(NAME)'],
    env: [
      { name: 'NAME', value: 'echo' },
      { name: 'SPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'echo', key: 'password' } } },
      { name: 'TEST_URL', value: testUrl },
      { name: 'NODE_EXTRA_CA_CERTS', value: caFile },
    ],
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
    securityContext: { readOnlyRootFilesystem: true, runAsNonRoot: true },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'work', mountPath: '/work' },
      { name: 'secret', mountPath: '/etc/secret', readOnly: true },
    ],
  };
  const volumes = [
    { name: 'tmp', emptyDir: {} },
    { name: 'work', emptyDir: {} },
    { name: 'secret', secret: { secretName: 'echo', defaultMode: 0o400 } },
  ];
  const securityContext = { runAsUser: 1234, runAsGroup: 1235, fsGroup: 1337 };
  const spec = { serviceAccountName: 'echo', containers: [container], volumes, securityContext };
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'echo' };
  const rbac = 'rbac.authorization.k8s.io/v1';
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password: 'open sesame' } },
    {
      apiVersion: rbac,
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }],
    },
    {
      apiVersion: rbac,
      kind: 'RoleBinding',
      metadata,
      roleRef: role,
      subjects: [{ kind: 'ServiceAccount', name: 'echo', namespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ name: 'http', port: 81, targetPort: 'http' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  ] as KubeObject[];
}

describe.skipIf(reason)('a Pod of a test node', () => {
  const started = new AsyncDisposableStack();
  let controlPlane: ControlPlane;
  let client: KubeClient;
  let node: PodNode;
  let sink: WebhookReceiver;
  let pod: RunningPod;

  async function apply(object: KubeObject): Promise<void> {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    await client.apply(resource, object, { fieldManager: 'test', force: true });
  }

  async function report(): Promise<Report> {
    const response = await fetch(`http://${await pod.reach(8080)}/report`);
    const text = await response.text();
    expect(response.status, text).toBe(200);
    return JSON.parse(text) as Report;
  }

  beforeAll(async () => {
    controlPlane = await startControlPlane();
    started.defer(() => controlPlane.stop());
    const folder = await temporaryFolder('node');
    started.defer(() => folder.remove());
    client = createKubeClient(loadKubeConfig({ path: controlPlane.kubeconfigPath }));
    started.defer(() => client.close());
    sink = await receiveWebhooks();
    started.defer(() => sink.close());
    node = await startPodNode({
      controlPlane,
      dir: folder.path,
      namespaces: [namespace],
      image: () => image,
    });
    started.defer(() => node.stop());
    const port = Number(new URL(sink.url).port);
    await node.expose(port);
    for (const object of objects(`http://${node.hostAddress}:${port}`)) await apply(object);
    pod = await node.untilReady(namespace, { app: 'echo' });
  });
  afterAll(() => started.disposeAsync());

  test('runs as the user of its security context, without capabilities', async () => {
    expect(await report()).toMatchObject({
      user: 1234,
      group: 1235,
      groups: expect.arrayContaining([1337]),
      capabilities: Array(4).fill('0'.repeat(16)),
      noNewPrivileges: '1',
      pid: 1,
      processes: 1,
      hostname: pod.pod.metadata.name,
    });
  });

  test('has exactly the arguments and the environment of its container and image', async () => {
    const { argv, environment } = await report();
    expect(argv).toEqual(['--advertise=http://echo.probe', '--price=$(NAME)']);
    const { TEST_URL: _, ...others } = environment;
    expect(others).toEqual({
      PATH: '/usr/local/bin',
      FROM_IMAGE: 'yes',
      HOSTNAME: pod.pod.metadata.name,
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      NAME: 'echo',
      SPACE: namespace,
      PASSWORD: 'open sesame',
      NODE_EXTRA_CA_CERTS: caFile,
    });
  });

  test('writes to its volumes only, and reads its Secrets', async () => {
    const { writable, secret } = await report();
    expect(writable).toEqual(['/tmp/x', '/work/x']);
    expect(secret).toBe('open sesame');
  });

  test('reaches the API server with its ServiceAccount, a Service by name, and the test', async () => {
    const { api, self, test: fromTest } = await report();
    expect(api).toMatch(/^200 .*ConfigMapList/s);
    expect(self).toBe('200 /self');
    expect(fromTest).toBe('200 ');
    expect(sink.requests.map(({ path }) => path)).toContain('/hello');
  });

  test('is reached through its Service', async () => {
    const at = await node.reachService(namespace, 'echo', 81);
    expect(await (await fetch(`http://${at}/there`)).text()).toBe('/there');
  });

  test('starts again when its process ends', async () => {
    const before = await pod.pid('manager');
    await pod.killContainer('manager');
    await vi.waitFor(async () => expect(await pod.ready()).toBe(true), { timeout: 30_000 });
    expect(await pod.pid('manager')).not.toBe(before);
    expect(pod.restarts).toBe(1);
  });

  test('ends when it is deleted', async () => {
    const pods = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
    const deployments = { ...pods, group: 'apps', kind: 'Deployment', plural: 'deployments' };
    const key = { namespace, name: 'echo' };
    await client.patch(deployments, key, { spec: { replicas: 0 } }, { type: 'merge' });
    await until(client, deployments, key, (object) => {
      const { replicas = 0 } = (object as { status?: { replicas?: number } }).status ?? {};
      return replicas === 0;
    });
    await vi.waitFor(() => expect(node.pods).toEqual([]), { timeout: 30_000 });
  });
});
