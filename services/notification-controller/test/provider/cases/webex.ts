import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/v1/messages';
const headers = { authorization: 'Bearer canary' };

export const webexCase: ProviderCase = {
  type: 'webex',
  spec: (url) => ({ address: `${url}${path}`, channel: 'room-1' }),
  secret: () => ({ token: 'canary' }),
  deliveries: [
    {
      name: 'a message with metadata',
      event: { metadata: { revision: 'r1', env: 'prod' } },
      sent: [
        {
          path,
          headers,
          body: {
            roomId: 'room-1',
            markdown:
              '✅ **kustomization/web.apps**\nApplied revision: main@sha1:abc\n>**env**: prod\n>**revision**: r1\n',
          },
        },
      ],
    },
    {
      name: 'an error',
      event: { severity: 'error', message: 'down' },
      sent: [
        {
          path,
          headers,
          body: { roomId: 'room-1', markdown: '💣 **kustomization/web.apps**\ndown\n' },
        },
      ],
    },
    {
      name: 'a long text, shortened to 7,439 bytes',
      event: { message: 'x'.repeat(8_000) },
      sent: [
        {
          path,
          headers,
          body: {
            roomId: 'room-1',
            markdown: `✅ **kustomization/web.apps**\n${'x'.repeat(7_383)} … (618 bytes cut off)`,
          },
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown room', reply: { status: 404 }, permanent: false },
    { name: 'a message that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [
    { name: 'no room', change: { spec: { channel: '' } }, says: 'spec.channel is missing' },
    { name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" },
  ],
};
