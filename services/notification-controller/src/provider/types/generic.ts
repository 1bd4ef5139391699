import { createHmac } from 'node:crypto';
import type { Adapter, Endpoint, ProviderRequest, RecordAdapter } from '../adapter.ts';
import { tokenOf } from '../credentials.ts';
import { eventJson } from '../go-json.ts';
import { recordHeader } from '../record-header.ts';

/** Posts the event as it is, with the headers of the Secret. */
export const generic: Adapter = async (event, endpoint, send) => {
  await send(request(endpoint, eventJson(event), component(event.reportingController)));
};

/** Posts the event as it is, signed with the token of the Secret in the header `X-Signature`. */
export const genericHmac: Adapter = async (event, endpoint, send) => {
  const plain = request(endpoint, eventJson(event), component(event.reportingController));
  await send(signed(plain, endpoint));
};

/** Posts the record as it is, with the headers of the Secret. */
export const genericRecord: RecordAdapter = async (record, endpoint, send) => {
  const headers = { ...component(record.who.controller), ...recordHeader(record) };
  await send(request(endpoint, JSON.stringify(record), headers));
};

/** Posts the record as it is, signed as events are. */
export const genericHmacRecord: RecordAdapter = (record, endpoint, send, context) =>
  genericRecord(record, endpoint, (plain) => send(signed(plain, endpoint)), context);

function component(controller: string): Record<string, string> {
  return { 'gotk-component': controller };
}

function request(
  { address: url, headers }: Endpoint,
  body: string,
  own: Record<string, string>,
): ProviderRequest {
  return { url, body, headers: { ...own, ...headers } };
}

function signed(plain: ProviderRequest, endpoint: Endpoint): ProviderRequest {
  const token = tokenOf(endpoint, 'token to sign with');
  const signature = createHmac('sha256', token)
    .update(plain.body ?? '')
    .digest('hex');
  return { ...plain, headers: { ...plain.headers, 'x-signature': `sha256=${signature}` } };
}
