import { type Kustomization, kustomizationKind } from '@sluice/shared/api';
import { type ApiResource, coreResources, resourceOf } from '@sluice/shared/kube';
import {
  type ApplierBed,
  type ApplierBedOptions,
  startApplierBed,
  toolPath,
} from '@sluice/testing';
import { readConfig } from '../../src/config.ts';
import { startKustomizeController } from '../../src/start.ts';

export { conditionOf } from '@sluice/testing';

export const kustomizations = resourceOf(kustomizationKind);
export const deployments: ApiResource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

/** A kustomize-controller that sees only the objects of one test. */
export type Bed = ApplierBed<Kustomization>;

/**
 * Starts a controller in this process.
 *
 * @param flags more flags of the controller
 * @param o as {@link startApplierBed} has it
 */
export function startBed(
  flags: string[] = [],
  o: Pick<
    ApplierBedOptions<Kustomization>,
    'wrap' | 'localNetwork' | 'cluster' | 'clock' | 'audit'
  > = {},
): Promise<Bed> {
  return startApplierBed<Kustomization>({
    ...o,
    kind: kustomizationKind,
    controllerName: 'kustomize-controller',
    spec: (namespace) => ({
      prune: true,
      targetNamespace: namespace,
      sourceRef: { kind: 'ExternalArtifact', name: 'source' },
    }),
    hasReached: ({ status }, revision) => status?.lastAppliedRevision === revision,
    start: (args, doors, signal) => startKustomizeController(readConfig(args, {}), doors, signal),
    flags: [`--sops-binary=${toolPath('sops')}`, '--least-timeout=1s', ...flags],
  });
}

/** A ConfigMap manifest. */
export const configMap = (name: string, data: Record<string, string> = {}): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

/** A Deployment manifest. */
export const deployment = (name: string, replicas = 0, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: 'example/web:1' }] },
      },
      ...more,
    },
  });

/** A Deployment manifest that no node runs, so that it does not become healthy. */
export const stuck = (name: string): string =>
  deployment(name, 1, {
    template: {
      metadata: { labels: { app: name } },
      spec: {
        nodeSelector: { 'test.sluice.dev/none': 'x' },
        containers: [{ name: 'main', image: 'example/web:1' }],
      },
    },
  });

export const configMaps = coreResources.configMaps;
export const secrets = coreResources.secrets;
