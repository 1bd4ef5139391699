import { type ProviderCase, rateLimit } from '../contract.ts';
import { attachmentWith, metadata } from './slack.ts';

const path = '/api/webhooks/1/canary/slack';
const messageOf = (username: string, attachment: object) => ({
  username,
  icon_url: '',
  icon_emoji: '',
  attachments: [attachmentWith(attachment)],
});

export const discordCase: ProviderCase = {
  type: 'discord',
  spec: (url) => ({ address: `${url}/api/webhooks/1/canary` }),
  event: { message: 'first\nsecond', metadata },
  deliveries: [
    {
      name: 'an attachment to the address for Slack',
      sent: [{ path, body: messageOf('kustomize-controller', {}) }],
    },
    {
      name: 'an error in red, to the address as it is',
      spec: { username: 'flux' },
      event: { severity: 'error' },
      sent: [{ path, body: messageOf('flux', { color: 'danger' }) }],
    },
    {
      name: 'a long text, shortened, and 25 fields, the last of which tells of the others',
      event: {
        message: 'x'.repeat(5_000),
        metadata: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i + 10}`, 'v'])),
      },
      sent: [
        {
          path,
          body: messageOf('kustomize-controller', {
            fallback: `kustomization/web.apps: ${'x'.repeat(2_948)} … (2052 characters cut off)`,
            text: `${'x'.repeat(2_972)} … (2028 characters cut off)`,
            fields: Array.from({ length: 25 }, (_, i) => ({
              title: i < 24 ? `k${i + 10}` : '…',
              value: i < 24 ? 'v' : '6 more',
              short: false,
            })),
          }),
        },
      ],
    },
  ],
  failures: [
    rateLimit,
    {
      name: 'a rate limit that is in the body alone',
      reply: { status: 429, body: '{"message":"You are being rate limited.","retry_after":0.65}' },
      permanent: false,
      retryAfterMs: 650,
    },
    {
      name: 'an unknown webhook',
      reply: { status: 404, body: '{"message":"Unknown Webhook","code":10015}' },
      permanent: false,
      says: 'Unknown Webhook',
    },
    {
      name: 'a bad token',
      reply: { status: 401, body: '{"message":"Invalid Webhook Token","code":50027}' },
      permanent: false,
    },
    { name: 'a message that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [{ name: 'no address', change: { spec: { address: '' } }, says: 'spec.address' }],
};
