import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import { temporaryFolder, testNamespace } from '@sluice/testing';
import { expect, onTestFinished } from 'vitest';
import type { ChartName } from '../../charts/package.ts';
import { find, names, render } from './render.ts';

const rbac = (kind: string, plural: string): ApiResource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: false,
});
const accounts: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

/** A kubeconfig of an account that has the rules of a chart, and no others. It goes with the test. */
export async function accountOfChart(
  { client, kubeconfigPath }: { client: KubeClient; kubeconfigPath: string },
  chart: ChartName,
  settings: readonly string[] = [],
): Promise<string> {
  const objects = await render(chart, ['rbac.createAggregation=false', ...settings]);
  // What the controllers of tests do without, since they elect no leader.
  const others = names(objects, 'Role').filter((name) => !name.endsWith('-leader-election'));
  expect(others).toEqual([]);
  const [role = ''] = names(objects, 'ClusterRole');
  const { rules } = find(objects, 'ClusterRole', role) as unknown as { rules: object[] };
  const namespace = await testNamespace(client, 'rights');
  const name = namespace;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const clusterRole = { apiVersion, kind: 'ClusterRole', metadata: { name }, rules };
  const binding = {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  };
  await client.create(accounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace },
  });
  await client.create(rbac('ClusterRole', 'clusterroles'), clusterRole as KubeObject);
  await client.create(
    rbac('ClusterRoleBinding', 'clusterrolebindings'),
    binding as unknown as KubeObject,
  );
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = (await client.request('POST', path, { body })) as {
    status: { token: string };
  };
  const config = JSON.parse(await readFile(kubeconfigPath, 'utf8'));
  config.users = config.users.map((user: object) => ({ ...user, user: { token: status.token } }));
  const folder = await temporaryFolder('rights');
  onTestFinished(() => folder.remove());
  const file = join(folder.path, 'kubeconfig');
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
