import type { ProviderType, RecordAdapter } from './adapter.ts';
import { UnusableProviderError } from './delivery-error.ts';
import { genericHmacRecord, genericRecord } from './types/generic.ts';
import { natsRecord } from './types/nats.ts';
import { otelRecord } from './types/otel.ts';

const adapters = new Map<ProviderType, RecordAdapter>([
  ['generic', genericRecord],
  ['generic-hmac', genericHmacRecord],
  ['nats', natsRecord],
  ['otel', otelRecord],
]);

/** The types of provider that take audit records. */
export const recordTypes = [...adapters.keys()];

/** Whether a type of provider takes audit records. */
export function takesRecords(type: ProviderType): boolean {
  return adapters.has(type);
}

/**
 * Finds how a type of provider takes audit records.
 *
 * @throws UnusableProviderError when it does not
 */
export function recordAdapterFor(type: ProviderType): RecordAdapter {
  const adapter = adapters.get(type);
  if (adapter !== undefined) return adapter;
  throw new UnusableProviderError(
    `spec.type '${type}' takes no audit records: use one of ${recordTypes.join(', ')}`,
  );
}
