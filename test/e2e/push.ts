import { createHmac } from 'node:crypto';
import type { Receiver } from '@sluice/shared/api';
import { receiverKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until } from '@sluice/testing';
import { vi } from 'vitest';
import { key } from './objects.ts';
import { receiverToken, timeoutMs, type World } from './world.ts';

/** Tells the Receiver of a push, as GitHub does; tried again while the receiving process is away. */
export async function sendPush(world: World): Promise<void> {
  const ready = await until<Receiver>(world.client, resourceOf(receiverKind), key, isReady, {
    timeoutMs,
  });
  const body = JSON.stringify({ ref: 'refs/heads/main' });
  const signature = createHmac('sha256', receiverToken).update(body).digest('hex');
  const post = async () => {
    const response = await fetch(`${world.controllers.receiverUrl}${ready.status?.webhookPath}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-hub-signature-256': `sha256=${signature}`,
      },
      body,
    });
    if (!response.ok) throw new Error(`the Receiver answered ${response.status}`);
  };
  await vi.waitFor(post, { timeout: timeoutMs, interval: 100 });
}
