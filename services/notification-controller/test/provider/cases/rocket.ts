import { type ProviderCase, rateLimit } from '../contract.ts';
import { attachmentWith, metadata } from './slack.ts';

const path = '/hooks/canary';
const messageOf = (username: string, color: string) => ({
  channel: 'general',
  username,
  icon_url: '',
  icon_emoji: '',
  attachments: [attachmentWith({ color })],
});

export const rocketCase: ProviderCase = {
  type: 'rocket',
  spec: (url) => ({ address: `${url}${path}`, channel: 'general' }),
  event: { message: 'first\nsecond', metadata },
  deliveries: [
    {
      name: 'an attachment',
      sent: [{ path, body: messageOf('kustomize-controller', '#0076D7') }],
    },
    {
      name: 'an error in red, under the given name',
      spec: { username: 'flux' },
      event: { severity: 'error' },
      sent: [{ path, body: messageOf('flux', '#FF0000') }],
    },
  ],
  failures: [
    rateLimit,
    {
      name: 'an unknown webhook',
      reply: { status: 401, body: '{"success":false}' },
      permanent: false,
    },
    {
      name: 'an unknown channel',
      reply: { status: 400, body: '{"success":false,"error":"invalid-channel"}' },
      permanent: true,
      says: 'invalid-channel',
    },
  ],
};
