import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { dump } from 'js-yaml';
import { objectsOf } from '../../../tools/test/docs/examples.ts';
import { coreV1 } from '../objects.ts';
import { timeoutMs, type World } from '../world.ts';

export const secretsNamespace = 'shop-secrets';
const page = join('docs', 'secrets.md');

/** The objects of the page, by kind and name. */
export function onSecretsPage(kind: string, name: string): KubeObject {
  const found = objectsOf(page).find(
    ({ object }) => object.kind === kind && object.metadata.name === name,
  );
  if (found === undefined) throw new Error(`${page} has no ${kind} ${name}`);
  return found.object;
}

const definitions = [
  ['bitnami.com', 'v1alpha1', 'SealedSecret', 'sealedsecrets'],
  ['external-secrets.io', 'v1', 'ExternalSecret', 'externalsecrets'],
  ['external-secrets.io', 'v1', 'SecretStore', 'secretstores'],
].map(([group, name, kind, plural]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: kind?.toLowerCase() },
    versions: [
      {
        name,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
}));

/** What the page relies on: definitions of the other projects, the tenant's account, and the repository. */
export async function prepareSecrets(world: World): Promise<void> {
  for (const definition of definitions) {
    await world.apply(definition as unknown as KubeObject);
    const { metadata, apiVersion, kind } = definition;
    const resource = await world.resource({ apiVersion, kind });
    const isEstablished = (o: KubeObject & { status?: { conditions?: { type: string }[] } }) =>
      o.status?.conditions?.some(({ type }) => type === 'Established') === true;
    await until<KubeObject>(world.client, resource, metadata, isEstablished, { timeoutMs });
  }
  const metadata = { name: 'secrets-deployer', namespace: secretsNamespace };
  await world.apply({ ...coreV1('Namespace'), metadata: { name: secretsNamespace } });
  const account = { ...metadata, namespace: 'flux-system' };
  await world.apply({ ...coreV1('ServiceAccount'), metadata: account });
  await world.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  } as KubeObject);
  const text = (kind: string, name: string) => dump(onSecretsPage(kind, name));
  const settings = { ...coreV1('ConfigMap'), metadata: { name: 'app' } };
  const repo = await world.git.createRepo('secrets', {
    'secrets/sealed/database.yaml': text('SealedSecret', 'database'),
    'secrets/external/api.yaml': `${text('SecretStore', 'vault')}---\n${text('ExternalSecret', 'api')}`,
    'secrets/app/settings.yaml': dump(settings),
  });
  await world.apply({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'secrets', namespace: 'flux-system' },
    spec: {
      interval: '10m',
      url: world.git.url('secrets'),
      ref: { commit: await repo.resolve('main') },
    },
  } as KubeObject);
}

/** Writes what a controller of Sealed Secrets or External Secrets writes into the status, once the object is there. */
export async function reportStatus(
  world: World,
  { apiVersion, kind, metadata }: KubeObject,
  condition: { type: string; status: 'True' | 'False'; message?: string },
): Promise<void> {
  const key = { namespace: secretsNamespace, name: metadata.name };
  const resource = await world.resource({ apiVersion, kind });
  const present = await until<KubeObject>(world.client, resource, key, () => true, { timeoutMs });
  const status = {
    conditions: [condition],
    ...(kind === 'SealedSecret' && { observedGeneration: present.metadata.generation }),
  };
  await world.client.patch(resource, key, { status }, { type: 'merge', subresource: 'status' });
}
