import {
  type KubeObject,
  type Kustomization,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
  type Snapshot,
  snapshotKind,
} from '@sluice/shared/api';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { type Bed, configMap, configMaps } from './harness.ts';

export type ConfigMap = KubeObject & { data?: Record<string, string> };

export const snapshots = resourceOf(snapshotKind);

/** Of a Kustomization whose changes are rolled back, soon. */
export const policy = {
  changePolicy: { rollback: 'LastHealthy' as const },
  wait: true,
  timeout: '2s',
  interval: '10m',
};

export const sourceOf = (name: string) => ({
  sourceRef: { kind: 'ExternalArtifact' as const, name },
});

/** One ConfigMap that says which revision it is of, and more. */
export const filesOf = (name: string, k: string, more: Record<string, string> = {}) => ({
  'a.yaml': configMap(`${name}-a`, { k }),
  ...more,
});

/** A request for a rollback. */
export interface Asked {
  at?: string;
  from?: string | undefined;
  reason?: string;
}

/** What tests of rollbacks do and look at, on the bed that there is by then. */
export function rollbacksOn(present: () => Bed) {
  const key = (name: string) => ({ namespace: present().namespace, name });
  return {
    dataOf: async (name: string) =>
      (await present().client.get<ConfigMap>(configMaps, key(name))).data,

    isThere: (name: string, resource = configMaps) =>
      present()
        .client.get(resource, key(name))
        .then(
          () => true,
          (error: unknown) => {
            if (isNotFound(error)) return false;
            throw error;
          },
        ),

    async snapshotsOf({ metadata: { uid } }: Kustomization): Promise<Snapshot[]> {
      const { client, namespace } = present();
      const { items } = await client.list<Snapshot>(snapshots, { namespace });
      return items.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === uid);
    },

    eventsOf: (name: string, reason: string) =>
      present().events.filter(
        (event) => event.involvedObject.name === name && event.reason === reason,
      ),

    /** Publishes a revision, and waits until it is healthy and can be gone back to. */
    async healthy(o: {
      name: string;
      revision?: string;
      files: Record<string, string>;
      spec?: object;
    }): Promise<Kustomization> {
      const { name, revision = 'r1', files, spec } = o;
      const bed = present();
      await bed.publish(files, revision, name);
      if (revision === 'r1') await bed.apply({ ...sourceOf(name), ...policy, ...spec }, name);
      await bed.ready(revision, name);
      return bed.when(({ status }) => {
        const { healthyRevision, healthySnapshot } = status?.change ?? {};
        return healthyRevision === revision && healthySnapshot !== undefined;
      }, name);
    },

    /** Asks for a rollback, and waits for the answer. */
    async ask(object: Kustomization, o: Asked = {}): Promise<Kustomization> {
      const { at = 'one', from = object.status?.change?.digest ?? '', reason = 'incident 7' } = o;
      const { name } = object.metadata;
      await present().annotate(
        {
          [rollbackRequestAnnotation]: at,
          [rollbackFromAnnotation]: from,
          [rollbackReasonAnnotation]: reason,
          [rollbackByAnnotation]: 'jane\u001b[31m',
        },
        name,
      );
      return present().when(({ status }) => status?.rollback?.requestedAt === at, name);
    },

    /** Waits until it is gone back from a revision. */
    rolledBack: (name: string) => present().failed('RolledBack', name),

    /** Has the object looked at once more. */
    async again(name: string, when: string): Promise<Kustomization> {
      await present().annotate({ 'reconcile.fluxcd.io/requestedAt': when }, name);
      return present().when(({ status }) => status?.lastHandledReconcileAt === when, name);
    },
  };
}
