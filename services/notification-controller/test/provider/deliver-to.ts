import type { FluxEvent, ProviderSpec } from '@sluice/shared/api';
import { localNetwork } from '@sluice/testing';
import { adapterFor } from '../../src/provider/adapters.ts';
import { defaultStatusId } from '../../src/provider/commit-status-id.ts';
import { createConnect } from '../../src/provider/connect.ts';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import { createSend } from '../../src/provider/send.ts';
import { noIdentity } from '../no-identity.ts';
import { eventOf, providerOf } from '../objects.ts';
import { alert, providerUid } from './contract.ts';

/**
 * Delivers an event to a real service, as a Provider with a Secret does.
 *
 * @throws DeliveryError
 */
export async function deliverTo(
  spec: Partial<ProviderSpec> & Pick<ProviderSpec, 'type'>,
  secret: Record<string, string>,
  change: Partial<FluxEvent>,
): Promise<void> {
  const provider = providerOf(spec, { uid: providerUid });
  const endpoint = await endpointOf(provider, async () => secret);
  const { signal } = new AbortController();
  const pool = new ProviderPool(localNetwork);
  const event = eventOf(change);
  try {
    await adapterFor(spec.type)(
      event,
      endpoint,
      createSend(endpoint, { pool, signal, traceHeaders: {} }),
      {
        alert,
        facts: {},
        commitStatusId: defaultStatusId(event, providerUid),
        connect: createConnect({ guard: localNetwork, signal, timeoutMs: 5_000 }),
        identity: noIdentity,
      },
    );
  } finally {
    await pool.close();
  }
}
