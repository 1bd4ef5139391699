import type { KubeObject } from '@sluice/shared/api';
import { type ApplierIdentity, kubectlManagers, managersByPrefix } from '@sluice/shared/engine';

/** Prefix of the annotations that the engine obeys. */
export const prefix = 'kustomize.toolkit.fluxcd.io';

/** As what the tests apply. */
export const identity: ApplierIdentity = {
  fieldManager: 'kustomize-controller',
  annotationPrefix: prefix,
  nameLabel: `${prefix}/name`,
  namespaceLabel: `${prefix}/namespace`,
  overridden: managersByPrefix(kubectlManagers),
};

/** Returns the object with the ownership labels of an owner of the given name. */
export function owned<T extends KubeObject>(object: T, owner: string): T {
  const labels = {
    ...object.metadata.labels,
    [`${prefix}/name`]: owner,
    [`${prefix}/namespace`]: 'flux-system',
  };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** Returns metadata whose annotations are the engine's own ones. */
export function meta(namespace: string, name: string, policy: Record<string, string> = {}) {
  const entries = Object.entries(policy).map(([key, value]) => [`${prefix}/${key}`, value]);
  const annotations: Record<string, string> = Object.fromEntries(entries);
  return entries.length === 0 ? { namespace, name } : { namespace, name, annotations };
}

export function configMap(
  namespace: string,
  name: string,
  data: Record<string, string> = {},
  policy?: Record<string, string>,
) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(namespace, name, policy), data };
}

/** Returns a Secret in the form in which people write it. */
export function secret(namespace: string, name: string, stringData: Record<string, string>) {
  return { apiVersion: 'v1', kind: 'Secret', metadata: meta(namespace, name), stringData };
}

export function deployment(namespace: string, name: string, image = 'app:1') {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: meta(namespace, name),
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'app',
              image,
              ports: [{ containerPort: 80 }],
              env: [{ name: 'LEVEL', value: 'info' }],
              resources: { limits: { cpu: '1000m', memory: '1024Mi' } },
            },
          ],
        },
      },
    },
  };
}
