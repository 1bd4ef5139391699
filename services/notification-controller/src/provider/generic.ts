import { createHmac } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter, Endpoint } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';
import { eventJson } from './go-json.ts';

/** Posts the event as it is, with the headers of the Secret. */
export const generic: Adapter = (event, endpoint, post) =>
  post({ url: endpoint.address, body: eventJson(event), headers: baseHeaders(event, endpoint) });

/** Posts the event as it is, signed with the token of the Secret in the header `X-Signature`. */
export const genericHmac: Adapter = async (event, endpoint, post) => {
  if (endpoint.token === '') {
    throw new DeliveryError(
      "the provider has no token to sign with: put the key 'token' into the Secret of spec.secretRef",
    );
  }
  const body = eventJson(event);
  const signature = createHmac('sha256', endpoint.token).update(body).digest('hex');
  await post({
    url: endpoint.address,
    body,
    headers: { ...baseHeaders(event, endpoint), 'x-signature': `sha256=${signature}` },
  });
};

function baseHeaders(event: FluxEvent, endpoint: Endpoint): Record<string, string> {
  return { 'gotk-component': event.reportingController, ...endpoint.headers };
}
