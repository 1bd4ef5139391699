import type { KubeObject } from '@sluice/shared/api';
import { loadAll } from 'js-yaml';
import { isObject } from '../../../tools/test/docs/examples.ts';
import { deployment } from '../objects.ts';

export const namespace = 'flux-system';

type Files = Record<string, string>;

const yaml = (objects: object[]) => objects.map((object) => JSON.stringify(object)).join('\n---\n');

function ours(group: string, kind: string, name: string, spec: object): object {
  const apiVersion = `${group}.toolkit.fluxcd.io/${group === 'helm' ? 'v2' : 'v1'}`;
  return { apiVersion, kind, metadata: { name, namespace }, spec: { interval: '10m', ...spec } };
}

const sourceRef = { kind: 'GitRepository', name: 'platform' };

function kustomization(name: string, path: string, more: object = {}): object {
  const spec = { retryInterval: '2s', timeout: '1m', prune: true, path, sourceRef, ...more };
  return ours('kustomize', 'Kustomization', name, spec);
}

export const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop' },
  data,
});

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'shelves.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Shelf', plural: 'shelves', singular: 'shelf' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object' } },
      },
    ],
  },
};

const chartTemplate = `apiVersion: v1
kind: ConfigMap
metadata:
  name: release
data:
  version: {{ .Chart.Version }}
`;

function notification(): object[] {
  const meta = (name: string) => ({ metadata: { name, namespace } });
  const beta = { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3' };
  const provider = { type: 'generic-hmac', secretRef: { name: 'audit' } };
  const eventSources = ['Kustomization', 'HelmRelease'].map((kind) => ({ kind, name: '*' }));
  const receiver = {
    type: 'github',
    events: ['push'],
    secretRef: { name: 'webhook' },
    resources: [sourceRef],
  };
  return [
    { ...beta, kind: 'Provider', ...meta('audit'), spec: provider },
    {
      ...beta,
      kind: 'Alert',
      ...meta('audit'),
      spec: { providerRef: { name: 'audit' }, eventSources },
    },
    ours('notification', 'Receiver', 'platform', receiver),
  ];
}

/** The chart, in a version of which its release takes note. */
export const chartFiles = (version: string): Files => ({
  'chart/Chart.yaml': `apiVersion: v2\nname: shop\nversion: ${version}\n`,
  'chart/templates/config.yaml': chartTemplate,
});

/** A repository that describes a whole cluster: infrastructure, apps, a release, alerts and a webhook. */
export function repositoryFiles(url: string): Files {
  const dependsOn = [{ name: 'infrastructure' }];
  const chart = { spec: { chart: './chart', sourceRef } };
  const release = {
    chart,
    targetNamespace: 'shop',
    dependsOn: [{ kind: 'Kustomization', name: 'infrastructure' }],
  };
  return {
    ...chartFiles('1.0.0'),
    'cluster/sync.yaml': yaml([
      ours('source', 'GitRepository', 'platform', { url, ref: { branch: 'main' } }),
      kustomization('cluster', './cluster'),
    ]),
    'cluster/all.yaml': yaml([
      kustomization('infrastructure', './infrastructure', { wait: true }),
      kustomization('apps', './apps', { wait: true, dependsOn }),
      ours('helm', 'HelmRelease', 'shop', release),
      ...notification(),
    ]),
    'infrastructure/all.yaml': yaml([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
      definition,
    ]),
    'apps/web.yaml': deployment('1.0.0'),
    'apps/shelf.yaml': yaml([
      {
        apiVersion: 'example.com/v1',
        kind: 'Shelf',
        metadata: { name: 'books', namespace: 'shop' },
      },
    ]),
    'apps/leaves.yaml': yaml([configMap('leaves')]),
    'apps/moves.yaml': yaml([configMap('moves')]),
  };
}

/** A file for another commit. */
export const moreSettings = yaml([configMap('more')]);

/** What happens in Git after the snapshot: something leaves, comes, changes its owner, and is upgraded. */
export function laterCommit(): { files: Files; remove: string[] } {
  return {
    remove: ['apps/leaves.yaml', 'apps/moves.yaml'],
    files: {
      ...chartFiles('1.1.0'),
      'apps/web.yaml': deployment('2.0.0'),
      'apps/comes.yaml': yaml([configMap('comes')]),
      'infrastructure/moves.yaml': yaml([configMap('moves')]),
    },
  };
}

/** What Git does not hold. */
export function secretsOutsideOfGit(auditUrl: string, key: string): KubeObject[] {
  const secret = (name: string, stringData: object) =>
    ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData }) as KubeObject;
  return [secret('audit', { address: auditUrl, token: key }), secret('webhook', { token: key })];
}

/** The objects in a file of the repository. */
export function objectsIn(files: Files, path: string): KubeObject[] {
  return loadAll(files[path] ?? '').filter(isObject);
}
