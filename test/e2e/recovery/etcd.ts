import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '@sluice/testing';
import type { Installation } from './installation.ts';

const dataOf = ({ dir }: ControlPlane) => join(dir, 'etcd');
const snapshotOf = ({ dir }: ControlPlane) => join(dir, 'etcd-snapshot');
const nodeLease = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/fake-node';

/** Copies the data of etcd, which is down meanwhile. */
export async function takeSnapshot({ controlPlane }: Installation): Promise<void> {
  const { etcd } = controlPlane.servers;
  await etcd?.kill();
  await cp(dataOf(controlPlane), snapshotOf(controlPlane), { recursive: true });
  await etcd?.start();
}

/** Puts the snapshot in place of the data, and starts the control plane on it. */
export async function restoreSnapshot({ controlPlane, client }: Installation): Promise<void> {
  const { etcd, 'kube-apiserver': api, ...others } = controlPlane.servers;
  await Promise.all(Object.values(controlPlane.servers).map((server) => server.kill()));
  await rm(dataOf(controlPlane), { recursive: true });
  await cp(snapshotOf(controlPlane), dataOf(controlPlane), { recursive: true });
  await Promise.all([etcd?.start(), api?.start()]);
  // What plays the kubelet would wait until the Lease of its former process is over.
  await client.request('DELETE', nodeLease);
  await Promise.all(Object.values(others).map((server) => server.start()));
}
