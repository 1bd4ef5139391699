import type { FluxEvent, KubeObject } from '@sluice/shared/api';
import { gitRepositoryKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { controllerNames, until } from '@sluice/testing';
import { vi } from 'vitest';
import { timeoutMs } from '../world.ts';
import { type ChartWorld, fluxNamespace } from './world.ts';

const event: FluxEvent = {
  involvedObject: {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    namespace: fluxNamespace,
    name: 'posted',
  },
  severity: 'info',
  timestamp: '2026-01-01T00:00:00Z',
  message: 'posted over HTTP',
  reason: 'ReconciliationSucceeded',
  reportingController: 'kustomize-controller',
};

/**
 * Posts an event to the umbrella's notification-controller, with the token of an account of its namespace if one is
 * named.
 *
 * @returns the status of the answer
 */
export async function postEvent(world: ChartWorld, account?: string): Promise<number> {
  const headers = account && { authorization: `Bearer ${await tokenOf(world, account)}` };
  const address = await world.node.reachService(fluxNamespace, 'notification-controller', 80);
  const body = JSON.stringify(event);
  const response = await fetch(`http://${address}/`, {
    method: 'POST',
    body,
    ...(headers && { headers }),
  });
  await response.body?.cancel();
  return response.status;
}

async function tokenOf(world: ChartWorld, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${fluxNamespace}/serviceaccounts/${account}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: ['notification-controller'], expirationSeconds: 600 },
  };
  const answer = await world.client.request('POST', path, { body });
  return (answer as { status: { token: string } }).status.token;
}

/**
 * Values for the chart of one controller among four in namespaces of their own: they send events over HTTP to the one
 * that takes them, with tokens.
 *
 * @param namespaceOf the namespace of a controller
 */
export function apartValues(name: string, namespaceOf: (name: string) => string): object {
  const takes = 'notification-controller';
  return {
    installCRDs: false,
    watchAllNamespaces: false,
    eventAuthentication: {
      mode: 'always',
      senders: controllerNames.map((each) => `${namespaceOf(each)}:${each}`),
    },
    ...(name !== takes && {
      eventsAddr: `http://${takes}.${namespaceOf(takes)}.svc.cluster.local.`,
    }),
  };
}

/** Waits until an event of a source-controller in a namespace of its own was taken, and none was refused. */
export async function untilEventTaken(
  world: ChartWorld,
  namespaceOf: (name: string) => string,
): Promise<void> {
  const metadata = {
    namespace: namespaceOf('source-controller'),
    name: 'announced',
    // Not for the umbrella's source-controllers, which watch all namespaces.
    labels: { 'sharding.fluxcd.io/key': 'apart' },
  };
  const url = world.reach(world.git.url('shop'));
  await world.apply({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata,
    spec: { interval: '10m', url, ref: { branch: 'main' } },
  } as KubeObject);
  await until(world.client, resourceOf(gitRepositoryKind), metadata, isReady, { timeoutMs });
  const app = 'notification-controller';
  const pod = await world.node.untilReady(namespaceOf(app), { app });
  const metrics = `http://${await pod.reach(8080)}/metrics`;
  await vi.waitFor(
    async () => {
      const codes = codesOf(await (await fetch(metrics)).text());
      if (codes.join() !== '202') throw new Error(`events were answered with '${codes}'`);
    },
    { timeout: timeoutMs, interval: 200 },
  );
}

/** The statuses with which events were answered. */
function codesOf(metrics: string): string[] {
  const counts = metrics.matchAll(
    /^gotk_event_http_request_duration_seconds_count\{.*code="(\d+)"/gm,
  );
  return [...counts].map(([, code]) => code ?? '').sort();
}
