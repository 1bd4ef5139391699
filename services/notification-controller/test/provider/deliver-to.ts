import type { AuditRecord, FluxEvent, ProviderSpec } from '@sluice/shared/api';
import { localNetwork } from '@sluice/testing';
import type { Endpoint, Send } from '../../src/provider/adapter.ts';
import { adapterFor } from '../../src/provider/adapters.ts';
import { defaultStatusId } from '../../src/provider/commit-status-id.ts';
import { type Connect, createConnect } from '../../src/provider/connect.ts';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import { recordAdapterFor } from '../../src/provider/record-adapters.ts';
import { createSend } from '../../src/provider/send.ts';
import { noIdentity } from '../no-identity.ts';
import { eventOf, providerOf } from '../objects.ts';
import { alert, providerUid } from './contract.ts';

type Spec = Partial<ProviderSpec> & Pick<ProviderSpec, 'type'>;

/**
 * Delivers an event to a real service, as a Provider with a Secret does.
 *
 * @throws DeliveryError
 */
export async function deliverTo(
  spec: Spec,
  secret: Record<string, string>,
  change: Partial<FluxEvent>,
): Promise<void> {
  const event = eventOf(change);
  await withDoors(spec, secret, ({ endpoint, send, connect }) =>
    adapterFor(spec.type)(event, endpoint, send, {
      alert,
      facts: {},
      commitStatusId: defaultStatusId(event, providerUid),
      connect,
      identity: noIdentity,
    }),
  );
}

/**
 * Delivers an audit record to a real service.
 *
 * @throws DeliveryError
 */
export async function deliverRecordTo(
  spec: Spec,
  secret: Record<string, string>,
  record: AuditRecord,
): Promise<void> {
  await withDoors(spec, secret, ({ endpoint, send, connect }) =>
    recordAdapterFor(spec.type)(record, endpoint, send, { alert, connect }),
  );
}

async function withDoors(
  spec: Spec,
  secret: Record<string, string>,
  deliver: (doors: { endpoint: Endpoint; send: Send; connect: Connect }) => Promise<void>,
): Promise<void> {
  const provider = providerOf(spec, { uid: providerUid });
  const endpoint = await endpointOf(provider, async () => secret);
  const { signal } = new AbortController();
  const pool = new ProviderPool(localNetwork);
  try {
    await deliver({
      endpoint,
      send: createSend(endpoint, { pool, signal, traceHeaders: {} }),
      connect: createConnect({ guard: localNetwork, signal, timeoutMs: 5_000 }),
    });
  } finally {
    await pool.close();
  }
}
