import { generateKeyPairSync } from 'node:crypto';
import { eventJson } from '../../../src/provider/go-json.ts';
import { noIdentity } from '../../no-identity.ts';
import { eventOf } from '../../objects.ts';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = {
  type: 'service_account',
  client_email: 'flux@my-project.iam.gserviceaccount.com',
  private_key_id: 'k1',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
};
const path = '/v1/projects/my-project/topics/flux:publish';
const data = Buffer.from(eventJson(eventOf())).toString('base64');

export const googlePubSubCase: ProviderCase = {
  type: 'googlepubsub',
  host: 'pubsub.googleapis.com',
  spec: () => ({ address: 'my-project', channel: 'flux' }),
  secret: () => ({ token: JSON.stringify(key) }),
  identity: { ...noIdentity, gcp: async () => 'identity-canary' },
  deliveries: [
    {
      name: 'the event, as an identity',
      spec: { serviceAccountName: 'alerts' },
      secret: { token: '' },
      sent: [
        {
          path,
          headers: { authorization: 'Bearer identity-canary' },
          body: { messages: [{ data }] },
        },
      ],
    },
    { name: 'the event', sent: [{ path, body: { messages: [{ data }] } }] },
    {
      name: 'with the headers of the Secret as attributes',
      secret: { headers: 'Env: prod\nappName: shop\n' },
      sent: [
        { path, body: { messages: [{ data, attributes: { Env: 'prod', appName: 'shop' } }] } },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an account without rights', reply: { status: 403 }, permanent: false },
    { name: 'an unknown topic', reply: { status: 404 }, permanent: false },
    { name: 'a message that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [
    { name: 'no topic', change: { spec: { channel: '' } }, says: 'spec.channel is missing' },
    {
      name: 'a key beside a service account',
      change: { spec: { serviceAccountName: 'alerts' } },
      says: 'beside spec.serviceAccountName',
    },
    {
      name: 'a token that is no key',
      change: { secret: { token: 'canary' } },
      says: 'no JSON key of a service account',
    },
    {
      name: 'a key that is none',
      change: { secret: { token: '{"private_key":"canary"}' } },
      says: 'no JSON key of a service account',
    },
  ],
};
