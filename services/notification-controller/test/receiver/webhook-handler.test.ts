import type { IncomingMessage } from 'node:http';
import type { Receiver } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import { expect, test } from 'vitest';
import type { Call } from '../../src/receiver/last-call.ts';
import { webhookHandler } from '../../src/receiver/webhook-handler.ts';

test('a Receiver that is Ready and does not ask for signatures decides nothing', async () => {
  const receiver: Receiver = {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata: { name: 'chat', namespace: 'own', generation: 1 },
    spec: {
      type: 'generic',
      secretRef: { name: 'token' },
      resources: [],
      decisions: {
        serviceAccountName: 'chat',
        targets: [{ kind: 'Kustomization', name: 'web' }],
      },
    },
    status: {
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Succeeded',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    },
  };
  const calls: Call[] = [];
  const unused = () => Promise.reject(new Error('not to be called'));
  const handle = webhookHandler({
    client: { impersonate: unused } as unknown as KubeClient,
    controllerName: 'notification-controller',
    noCrossNamespaceRefs: false,
    receiverAt: () => receiver,
    readSecret: async () => ({ token: 'token' }),
    verifyGoogleToken: unused,
    verifyOidcToken: unused,
    noteCall: (_, call) => calls.push(call),
    logger: silentLogger,
  });
  const body = JSON.stringify({
    kind: 'Kustomization',
    name: 'web',
    planDigest: `sha256:${'a'.repeat(64)}`,
    decision: 'Approve',
    user: 'jane',
  });
  const request = { url: '/hook/x', headers: {} } as IncomingMessage;
  expect(await handle(request, Buffer.from(body))).toEqual({ status: 400 });
  expect(calls).toEqual([
    { result: 'Refused', reason: expect.stringContaining("only for spec.type 'generic-hmac'") },
  ]);
});
