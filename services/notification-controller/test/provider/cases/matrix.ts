import { createHash } from 'node:crypto';
import { eventJson } from '../../../src/provider/go-json.ts';
import { eventOf } from '../../objects.ts';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const down = { severity: 'error', message: 'down', metadata: { env: 'prod' } } as const;
const pathOf = (change: object) => {
  const transaction = createHash('sha1')
    .update(eventJson(eventOf(change)))
    .digest('hex');
  return `/_matrix/client/r0/rooms/!room%3Aexample.org/send/m.room.message/${transaction}`;
};
const headers = { authorization: 'Bearer canary' };

export const matrixCase: ProviderCase = {
  type: 'matrix',
  spec: (url) => ({ address: `${url}/`, channel: '!room:example.org' }),
  secret: () => ({ token: 'canary' }),
  deliveries: [
    {
      name: 'a message',
      sent: [
        {
          method: 'PUT',
          path: pathOf({}),
          headers,
          body: {
            body: '💫 kustomization/web.apps\nApplied revision: main@sha1:abc\n',
            msgtype: 'm.text',
          },
        },
      ],
    },
    {
      name: 'an error',
      event: down,
      sent: [
        {
          method: 'PUT',
          path: pathOf(down),
          headers,
          body: { body: '🚨 kustomization/web.apps\ndown\n- env: prod\n', msgtype: 'm.text' },
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    {
      name: 'a rate limit that is in the body alone',
      reply: { status: 429, body: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}' },
      permanent: false,
      retryAfterMs: 2_000,
    },
    {
      name: 'a room that it is not in',
      reply: { status: 403, body: '{"errcode":"M_FORBIDDEN"}' },
      permanent: false,
      says: 'M_FORBIDDEN',
    },
    { name: 'a message that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [
    { name: 'no room', change: { spec: { channel: '' } }, says: 'spec.channel is missing' },
    { name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" },
  ],
};
