import { type ProviderCase, rateLimit } from '../contract.ts';

const path = '/bot1:canary/sendMessage';
const text = '*💫 kustomization/web/apps*\nApplied revision: main@sha1:abc\n';

export const telegramCase: ProviderCase = {
  type: 'telegram',
  host: 'api.telegram.org',
  spec: () => ({ address: 'https://elsewhere.example.org', channel: '-100200' }),
  secret: () => ({ token: '1:canary' }),
  deliveries: [
    {
      name: 'a message, whatever the address says',
      sent: [{ path, body: { chat_id: '-100200', text, parse_mode: 'MarkdownV2' } }],
    },
    {
      name: 'an error to a topic, with everything escaped',
      spec: { channel: '-100200:7' },
      event: { severity: 'error', message: 'a_b (1.0)!\\', metadata: { 'k-1': 'v=1' } },
      sent: [
        {
          path,
          body: {
            chat_id: '-100200',
            message_thread_id: '7',
            text: '*🚨 kustomization/web/apps*\na\\_b \\(1\\.0\\)\\!\\\\\n\\- *k\\-1*: v\\=1\n',
            parse_mode: 'MarkdownV2',
          },
        },
      ],
    },
    {
      name: 'a long text and long metadata, shortened, and how many have no room',
      event: {
        message: 'x'.repeat(5_000),
        metadata: { a: 'y'.repeat(1_000), b: 'z'.repeat(290), c: 'z', d: 'z'.repeat(20) },
      },
      sent: [
        {
          path,
          body: {
            chat_id: '-100200',
            text: `*💫 kustomization/web/apps*\n${'x'.repeat(2_972)} … \\(2028 characters cut off\\)\n\\- *a*: ${'y'.repeat(272)} … \\(728 characters cut off\\)\n\\- *b*: ${'z'.repeat(290)}\n\\- *c*: z\n\\- *…*: 1 more\n`,
            parse_mode: 'MarkdownV2',
          },
        },
      ],
    },
  ],
  failures: [
    {
      name: 'a bad token',
      reply: { status: 401, body: '{"ok":false,"description":"Unauthorized"}' },
      permanent: false,
      says: 'Unauthorized',
    },
    rateLimit,
    {
      name: 'a rate limit that is in the body alone',
      reply: { status: 429, body: '{"ok":false,"parameters":{"retry_after":5}}' },
      permanent: false,
      retryAfterMs: 5_000,
    },
    {
      name: 'an unknown chat',
      reply: { status: 400, body: '{"ok":false,"description":"Bad Request: chat not found"}' },
      permanent: true,
      says: 'chat not found',
    },
  ],
  refused: [
    { name: 'no chat', change: { spec: { channel: '' } }, says: 'spec.channel is missing' },
    {
      name: 'a token that would lead elsewhere',
      change: { secret: { token: '1:canary/../x' } },
      says: 'is no token of a bot',
    },
    { name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" },
  ],
};
