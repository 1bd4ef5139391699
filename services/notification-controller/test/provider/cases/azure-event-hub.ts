import { eventJson } from '../../../src/provider/go-json.ts';
import { eventOf } from '../../objects.ts';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/hub/messages?timeout=60&api-version=2014-01';
const body = eventJson(eventOf());
const connection =
  'Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=a2V5LWNhbmFyeQ==;EntityPath=hub';

export const azureEventHubCase: ProviderCase = {
  type: 'azureeventhub',
  host: 'shop.servicebus.windows.net',
  spec: () => ({ channel: 'shop' }),
  secret: () => ({ address: connection }),
  deliveries: [
    {
      name: 'the event, by a connection string',
      sent: [{ path, headers: { 'content-type': 'application/json' }, body }],
    },
    {
      name: 'with a token, to a hub of a namespace',
      secret: { address: 'hub', token: 'canary' },
      sent: [{ path, headers: { authorization: 'Bearer canary' }, body }],
    },
    {
      name: 'to a namespace by its whole name',
      spec: { channel: 'shop.servicebus.windows.net' },
      secret: { address: 'hub', token: 'canary' },
      sent: [{ path, headers: { authorization: 'Bearer canary' }, body }],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown hub', reply: { status: 404 }, permanent: false },
    { name: 'an event that is refused', reply: { status: 400 }, permanent: true },
    { name: 'too large an event', reply: { status: 413 }, permanent: true },
  ],
  refused: [
    {
      name: 'a connection string without a hub',
      change: { secret: { address: connection.replace(/;EntityPath.*/, '') } },
      says: 'needs Endpoint, SharedAccessKeyName, SharedAccessKey and EntityPath',
    },
    {
      name: 'a token beside the connection string',
      change: { secret: { token: 'canary' } },
      says: 'remove one of them',
    },
    {
      name: 'a hub without a token',
      change: { secret: { address: 'hub' } },
      says: "the key 'token'",
    },
  ],
};
