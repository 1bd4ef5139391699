import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const headers = { authorization: 'canary' };
const message = { type: 'message', text: 'Applied revision: main@sha1:abc' };
const contentOf = (severity: string, ...body: object[]) => ({
  content: { head: { text: 'kustomization/web.apps', sub_head: { text: severity } }, body },
});

export const zoomCase: ProviderCase = {
  type: 'zoom',
  spec: (url) => ({ address: `${url}/chat/webhooks/hook-canary` }),
  secret: () => ({ token: 'canary' }),
  deliveries: [
    {
      name: 'a message in full format',
      sent: [
        {
          path: '/chat/webhooks/hook-canary?format=full',
          headers,
          body: contentOf('info', message),
        },
      ],
    },
    {
      name: 'an error with metadata',
      event: { severity: 'error', metadata: { revision: 'r1', env: 'prod' } },
      sent: [
        {
          path: '/chat/webhooks/hook-canary?format=full',
          headers,
          body: contentOf('error', message, {
            type: 'fields',
            items: [
              { key: 'env', value: 'prod' },
              { key: 'revision', value: 'r1' },
            ],
          }),
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown webhook', reply: { status: 404 }, permanent: false },
    { name: 'a message that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [{ name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" }],
};
