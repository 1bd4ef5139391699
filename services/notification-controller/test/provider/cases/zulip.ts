import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/api/v1/messages';
const content =
  '## Flux Status\n\nℹ️ Kustomization/apps/web\n\nApplied revision: main@sha1:abc\n\nMetadata:\n* `env`: prod\n';

export const zulipCase: ProviderCase = {
  type: 'zulip',
  spec: (url) => ({ address: `${url}/ignored`, channel: 'ops/flux/prod' }),
  secret: () => ({ username: 'bot@example.org', password: 'canary' }),
  event: { metadata: { env: 'prod' } },
  deliveries: [
    {
      name: 'a form',
      sent: [
        {
          path,
          headers: {
            authorization: `Basic ${Buffer.from('bot@example.org:canary').toString('base64')}`,
            'content-type': 'application/x-www-form-urlencoded',
          },
          body: new URLSearchParams({
            content,
            to: 'ops',
            topic: 'flux/prod',
            type: 'stream',
          }).toString(),
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    {
      name: 'an unknown channel',
      reply: { status: 400, body: '{"code":"STREAM_DOES_NOT_EXIST"}' },
      permanent: true,
      says: 'STREAM_DOES_NOT_EXIST',
    },
  ],
  refused: [
    {
      name: 'a channel without a topic',
      change: { spec: { channel: 'ops' } },
      says: 'not of the form <channel>/<topic>',
    },
  ],
};
