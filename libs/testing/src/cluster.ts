import { randomBytes } from 'node:crypto';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';

/** The control plane and the NATS server shared by the whole test run. */
export interface TestCluster {
  /** Admin access. */
  client: KubeClient;
  kubeconfigPath: string;
  natsUrl: string;
}

const namespaces: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

let opened: Promise<TestCluster> | undefined;
const created: { client: KubeClient; name: string }[] = [];

/**
 * The run-wide control plane; only files named `*.cluster.test.ts` have one. The test runner hands its
 * coordinates over in the environment, as it does with the tools.
 *
 * @throws Error when there is none
 */
export function testCluster(): Promise<TestCluster> {
  opened ??= openCluster();
  return opened;
}

async function openCluster(): Promise<TestCluster> {
  const kubeconfigPath = process.env['SLUICE_TEST_KUBECONFIG'];
  const natsUrl = process.env['SLUICE_TEST_NATS_URL'];
  if (!kubeconfigPath || !natsUrl) {
    throw new Error(
      'SLUICE_TEST_KUBECONFIG and SLUICE_TEST_NATS_URL are not set: name the file *.cluster.test.ts, so that the test runner starts a control plane for it',
    );
  }
  // Loaded here so that starting servers does not need the client under test.
  const { createKubeClient, loadKubeConfig } = await import('@sluice/shared/kube');
  const config = loadKubeConfig({ path: kubeconfigPath });
  const client = createKubeClient(config, { qps: 2000, burst: 4000, userAgent: 'sluice-test' });
  return { client, kubeconfigPath, natsUrl };
}

/** Creates a namespace in any cluster. */
export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await client.create(namespaces, namespace);
}

/**
 * Creates a namespace of its own for a test; it is deleted when the test file ends.
 *
 * @param client admin access
 * @param prefix start of its name
 * @returns its name
 */
export async function testNamespace(client: KubeClient, prefix = 'test'): Promise<string> {
  const name = `${prefix}-${randomBytes(5).toString('hex')}`;
  await createNamespace(client, name);
  created.push({ client, name });
  return name;
}

/**
 * Takes the finalizers off our objects: the controllers that would do so have ended with their test, and a namespace
 * that cannot go keeps the control plane busy for the rest of the run.
 */
async function removeFinalizers(client: KubeClient, namespace: string): Promise<void> {
  const { allKinds } = await import('@sluice/shared/api');
  const { isNotFound, resourceOf } = await import('@sluice/shared/kube');
  for (const kind of allKinds) {
    const resource = resourceOf(kind);
    const { items } = await client.list<KubeObject>(resource, { namespace, metadataOnly: true });
    const held = items.filter(({ metadata }) => metadata.finalizers?.length);
    await Promise.all(
      held.map(async ({ metadata }) => {
        const patch = { metadata: { finalizers: null } };
        await client.patch(resource, metadata, patch, { type: 'merge' }).catch((error) => {
          if (!isNotFound(error)) throw error;
        });
      }),
    );
  }
}

async function removeNamespace(client: KubeClient, name: string): Promise<void> {
  await client.delete(namespaces, { name }, { propagation: 'Background' });
  await removeFinalizers(client, name);
}

/** Deletes the namespaces of {@link testNamespace} and closes the shared client; the runner calls it after each file. */
export async function releaseTestCluster(): Promise<void> {
  await Promise.all(
    created.splice(0).map(({ client, name }) =>
      removeNamespace(client, name).catch((error) => {
        // A test may have deleted its namespace, or broken the API server, on purpose.
        console.error(`namespace ${name} was not deleted: ${error}`);
      }),
    ),
  );
  const cluster = await opened;
  opened = undefined;
  await cluster?.client.close();
}
