import type { KubeObject } from '@sluice/shared/api';
import {
  coreResources,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubeClient,
} from '@sluice/shared/kube';

/** A Lease, as far as it is used for elections. */
export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

/** Where the holder serves what the other replicas do not have, as `host:port`. */
const addressAnnotation = 'leader.sluice.dev/address';

/** Where the lease is and who wants it. */
export interface LeaseOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  identity: string;
  leaseDurationMs: number;
  /** What the others are told of where we serve, as `host:port`; nothing when undefined. */
  servedAt?(): string | undefined;
  /** The wall clock in milliseconds, for the times in the lease, which are for people only. */
  wallMs(): number;
}

/** Reads the lease; undefined when there is none. */
export async function readLease(
  options: LeaseOptions,
  timeoutMs: number,
): Promise<Lease | undefined> {
  const { client, namespace, name } = options;
  try {
    return await client.get<Lease>(coreResources.leases, { namespace, name }, { timeoutMs });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Writes the lease as ours, on the condition that it is still as it was read.
 *
 * @returns the lease; undefined when someone else was faster
 */
export async function writeLease(
  options: LeaseOptions,
  read: Lease | undefined,
  timeoutMs: number,
): Promise<Lease | undefined> {
  const { client, namespace, name, identity } = options;
  const now = new Date(options.wallMs()).toISOString().replace('Z', '000Z');
  const held = read?.spec.holderIdentity === identity;
  const spec: Lease['spec'] = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.ceil(options.leaseDurationMs / 1000)),
    acquireTime: (held && read?.spec.acquireTime) || now,
    renewTime: now,
    leaseTransitions: transitionsOf(read) + (read && !held ? 1 : 0),
  };
  const metadata = withAddress(read?.metadata ?? { name, namespace }, options.servedAt?.());
  const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  return unlessTaken(() =>
    read
      ? client.replace(coreResources.leases, lease, { timeoutMs })
      : client.create(coreResources.leases, lease, { timeoutMs }),
  );
}

/** Returns where the holder of the lease serves, if it has said so. */
export function addressOf({ metadata, spec }: Lease): string | undefined {
  return spec.holderIdentity ? metadata.annotations?.[addressAnnotation] : undefined;
}

/** Replaces what a former holder has said. */
function withAddress(metadata: Lease['metadata'], address: string | undefined): Lease['metadata'] {
  const { [addressAnnotation]: _, ...others } = metadata.annotations ?? {};
  const annotations = { ...others, ...(address !== undefined && { [addressAnnotation]: address }) };
  const { annotations: __, ...rest } = metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Gives the lease back, if it is still ours, so that another takes it without waiting for its end. */
export async function releaseLease(
  options: LeaseOptions,
  held: Lease,
  timeoutMs: number,
): Promise<void> {
  const now = new Date(options.wallMs()).toISOString().replace('Z', '000Z');
  const spec = {
    leaseDurationSeconds: 1,
    renewTime: now,
    acquireTime: now,
    leaseTransitions: transitionsOf(held),
  };
  await unlessTaken(() =>
    options.client.replace<Lease>(coreResources.leases, { ...held, spec }, { timeoutMs }),
  );
}

function transitionsOf(lease: Lease | undefined): number {
  return lease?.spec.leaseTransitions ?? 0;
}

async function unlessTaken(write: () => Promise<Lease>): Promise<Lease | undefined> {
  try {
    return await write();
  } catch (error) {
    if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return undefined;
    throw error;
  }
}
