import { azureScopes } from '@sluice/shared/cloud';
import { eventJson } from '../../../src/provider/go-json.ts';
import { noIdentity } from '../../no-identity.ts';
import { eventOf } from '../../objects.ts';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/hub/messages?timeout=60&api-version=2014-01';
const body = eventJson(eventOf());
const connection =
  'Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=a2V5LWNhbmFyeQ==;EntityPath=hub';

export const azureEventHubCase: ProviderCase = {
  type: 'azureeventhub',
  host: 'shop.servicebus.windows.net',
  identity: {
    ...noIdentity,
    azure: async (scope) => (scope === azureScopes.eventHubs ? 'identity-canary' : 'wrong'),
  },
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
      name: 'as an identity, to a hub of a namespace',
      spec: { serviceAccountName: 'alerts' },
      secret: { address: 'hub' },
      sent: [{ path, headers: { authorization: 'Bearer identity-canary' }, body }],
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
      name: 'a hub that is not of Azure, without a token',
      change: { spec: { channel: 'shop.servicebus.example.com' }, secret: { address: 'hub' } },
      says: 'spec.channel names no namespace of Azure',
    },
    {
      name: 'a token beside a service account',
      change: {
        spec: { serviceAccountName: 'alerts' },
        secret: { address: 'hub', token: 'canary' },
      },
      says: 'beside spec.serviceAccountName',
    },
    {
      name: 'a connection string beside a service account',
      change: { spec: { serviceAccountName: 'alerts' } },
      says: 'beside spec.serviceAccountName',
    },
  ],
};
