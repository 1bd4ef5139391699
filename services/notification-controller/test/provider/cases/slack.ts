import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/services/canary';
export const metadata = { revision: 'main@sha1:abc', env: 'prod' };
const fields = [
  { title: 'env', value: 'prod', short: false },
  { title: 'revision', value: 'main@sha1:abc', short: false },
];
/** The attachment of the message first, second. */
export const attachmentWith = (change: object) => ({
  fallback: 'kustomization/web.apps: first',
  color: 'good',
  author_name: 'kustomization/web.apps',
  text: 'first\nsecond',
  mrkdwn_in: ['text'],
  fields,
  ...change,
});
const messageOf = (change: object, attachment: object) => ({
  channel: 'general',
  username: 'kustomize-controller',
  icon_url: '',
  icon_emoji: '',
  ...change,
  attachments: [attachmentWith(attachment)],
});

export const slackCase: ProviderCase = {
  type: 'slack',
  spec: (url) => ({ address: `${url}${path}`, channel: 'general' }),
  secret: () => ({}),
  event: { message: 'first\nsecond', metadata },
  deliveries: [
    {
      name: 'an attachment with the metadata as fields',
      sent: [{ path, headers: { authorization: undefined }, body: messageOf({}, {}) }],
    },
    {
      name: 'an error in red, under the given name, with the token of a bot',
      event: { severity: 'error' },
      spec: { username: 'bot' },
      secret: { token: 'xoxb-canary' },
      sent: [
        {
          path,
          headers: { authorization: 'Bearer xoxb-canary' },
          body: messageOf({ username: 'bot' }, { color: 'danger' }),
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    {
      name: 'an unknown webhook',
      reply: { status: 404, body: 'no_service' },
      permanent: false,
      says: 'no_service',
    },
    {
      name: 'a message that is refused',
      reply: { status: 400, body: 'invalid_payload' },
      permanent: true,
    },
  ],
};
