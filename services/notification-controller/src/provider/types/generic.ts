import { createHmac } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter, Endpoint } from '../adapter.ts';
import { tokenOf } from '../credentials.ts';
import { eventJson } from '../go-json.ts';

/** Posts the event as it is, with the headers of the Secret. */
export const generic: Adapter = async (event, endpoint, send) => {
  const headers = baseHeaders(event, endpoint);
  await send({ url: endpoint.address, body: eventJson(event), headers });
};

/** Posts the event as it is, signed with the token of the Secret in the header `X-Signature`. */
export const genericHmac: Adapter = async (event, endpoint, send) => {
  const token = tokenOf(endpoint, 'token to sign with');
  const body = eventJson(event);
  const signature = createHmac('sha256', token).update(body).digest('hex');
  await send({
    url: endpoint.address,
    body,
    headers: { ...baseHeaders(event, endpoint), 'x-signature': `sha256=${signature}` },
  });
};

function baseHeaders(event: FluxEvent, endpoint: Endpoint): Record<string, string> {
  return { 'gotk-component': event.reportingController, ...endpoint.headers };
}
