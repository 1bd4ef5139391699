import { createHmac } from 'node:crypto';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const body =
  '{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"web","uid":"7d0cdc51-ddcf-4743-b223-83ca5c699632","apiVersion":"kustomize.toolkit.fluxcd.io/v1"},"severity":"info","timestamp":"2026-01-02T03:04:05Z","message":"a \\u003c b \\u0026 c","reason":"ReconciliationSucceeded","metadata":{"env":"prod","revision":"main@sha1:abc"},"reportingController":"kustomize-controller","reportingInstance":"kustomize-controller-0"}';
const event = {
  message: 'a < b & c',
  metadata: { revision: 'main@sha1:abc', env: 'prod' },
};
const headers = { 'gotk-component': 'kustomize-controller', 'content-type': 'application/json' };
const path = '/hooks/canary';

export const genericCase: ProviderCase = {
  type: 'generic',
  spec: (url) => ({ address: `${url}${path}` }),
  secret: () => ({}),
  event,
  deliveries: [
    { name: 'the event in the bytes that Go writes', sent: [{ path, headers, body }] },
    {
      name: 'with the headers of the Secret',
      secret: { headers: 'Authorization: my-token\nX-Signature: kept\n' },
      sent: [
        {
          path,
          headers: { ...headers, authorization: 'my-token', 'x-signature': 'kept' },
          body,
        },
      ],
    },
    {
      name: 'without empty fields',
      event: { message: 'm', metadata: {}, reportingInstance: undefined },
      sent: [
        {
          path,
          body: '{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"web","uid":"7d0cdc51-ddcf-4743-b223-83ca5c699632","apiVersion":"kustomize.toolkit.fluxcd.io/v1"},"severity":"info","timestamp":"2026-01-02T03:04:05Z","message":"m","reason":"ReconciliationSucceeded","reportingController":"kustomize-controller"}',
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'a body that is refused', reply: { status: 400 }, permanent: true },
    { name: 'a server that is down', reply: { status: 503 }, permanent: false },
  ],
};

const signature = createHmac('sha256', 's3cret-canary').update(body).digest('hex');

export const genericHmacCase: ProviderCase = {
  ...genericCase,
  type: 'generic-hmac',
  secret: () => ({ token: 's3cret-canary', headers: 'X-Signature: forged\n' }),
  deliveries: [
    {
      name: 'the event, signed over any header of the Secret',
      sent: [{ path, headers: { ...headers, 'x-signature': `sha256=${signature}` }, body }],
    },
  ],
  refused: [{ name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" }],
};
