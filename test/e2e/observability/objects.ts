import type { KubeObject } from '@sluice/shared/api';
import type { HelmServer, Registry } from '@sluice/testing';
import { key } from '../objects.ts';
import type { World } from '../world.ts';

const { namespace } = key;

/** A chart in the repository, with one ConfigMap. */
export function chart(version: string): Record<string, string> {
  return {
    'chart/Chart.yaml': `apiVersion: v2\nname: settings\nversion: ${version}\n`,
    'chart/templates/settings.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  version: {{ .Chart.Version | quote }}
`,
  };
}

export const release = {
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  metadata: key,
  spec: {
    interval: '10m',
    timeout: '60s',
    releaseName: 'settings',
    driftDetection: { mode: 'enabled' },
    chart: { spec: { chart: './chart', sourceRef: { kind: 'GitRepository', name: 'shop' } } },
  },
} as unknown as KubeObject;

export const login = { username: 'puller', password: 'canary-of-the-registry' };

/** Objects besides the main job's that make the controllers do what they can: sources of every kind, and failures. */
export async function applyOthers(world: World, helm: HelmServer, registry: Registry) {
  const source = (kind: string, name: string, spec: object) =>
    world.apply({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind,
      metadata: { namespace, name },
      spec: { interval: '10m', ...spec },
    } as KubeObject);
  const auths = { [registry.host]: login };
  await world.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/dockerconfigjson',
    metadata: { namespace, name: 'registry' },
    stringData: { '.dockerconfigjson': JSON.stringify({ auths }) },
  } as KubeObject);
  await source('HelmRepository', 'charts', { url: helm.url });
  const sourceRef = { kind: 'HelmRepository', name: 'charts' };
  await source('HelmChart', 'tool', { chart: 'tool', version: '*', sourceRef });
  await source('HelmChart', 'absent', { chart: 'absent', version: '*', sourceRef });
  const oci = { insecure: true, ref: { tag: 'v1' }, secretRef: { name: 'registry' } };
  await source('OCIRepository', 'app', { ...oci, url: `${registry.ociUrl}/app` });
  await source('OCIRepository', 'absent', { ...oci, url: `${registry.ociUrl}/absent` });
  await source('GitRepository', 'absent', { url: world.git.url('absent') });
  // One whose source has an artifact, and one whose source has none.
  for (const [name, of] of Object.entries({ parts: 'shop', 'no-parts': 'absent' })) {
    await world.apply({
      apiVersion: 'source.extensions.fluxcd.io/v1beta1',
      kind: 'ArtifactGenerator',
      metadata: { namespace, name },
      spec: {
        sources: [{ alias: 'git', kind: 'GitRepository', name: of }],
        artifacts: [{ name, copy: [{ from: '@git/**', to: '@artifact/' }] }],
      },
    } as KubeObject);
  }
  // No source with an artifact, and no path.
  for (const [name, path] of Object.entries({ absent: './shop', nowhere: './nowhere' })) {
    await world.apply({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: { namespace, name },
      spec: {
        interval: '10m',
        prune: true,
        path,
        sourceRef: { kind: 'GitRepository', name: name === 'absent' ? 'absent' : 'shop' },
      },
    } as KubeObject);
  }
}
