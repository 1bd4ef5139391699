import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import { temporaryFolder, testCluster, testNamespace, untilGone } from '@sluice/testing';
import { expect, onTestFinished, test } from 'vitest';
import {
  contentOf,
  externalArtifacts,
  oneOf,
  startWatcherBed,
} from '../../../services/source-watcher/test/watcher-bed.ts';
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

/** A kubeconfig of an account that has the rules of the chart, and no others. */
async function accountOfChart(client: KubeClient, kubeconfigPath: string): Promise<string> {
  const objects = await render('source-watcher', ['rbac.createAggregation=false']);
  expect(names(objects, 'Role')).toEqual([]);
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

test('source-watcher does its work with the rights that its chart gives it', async () => {
  const { client, kubeconfigPath } = await testCluster();
  const bed = await startWatcherBed({
    kubeconfigPath: await accountOfChart(client, kubeconfigPath),
  });
  onTestFinished(() => bed.stop());
  await bed.publish({ revision: '1', files: { 'a.yaml': 'a\n' } });
  await bed.create('rights', oneOf('rights-out'));
  await bed.ready('rights');
  expect(await contentOf(await bed.output('rights-out'))).toEqual({ 'a.yaml': 'a\n' });
  await bed.remove('rights');
  await untilGone(client, externalArtifacts, { namespace: bed.namespace, name: 'rights-out' });
  const refused = (await bed.process.log()).filter((line) =>
    /forbidden|403/i.test(JSON.stringify(line)),
  );
  expect(refused).toEqual([]);
});
