import { type ProviderCase, rateLimit } from '../contract.ts';

const path = '/open-apis/bot/v2/hook/canary';
const cardOf = (title: string, template: string, content: string) => ({
  msg_type: 'interactive',
  card: {
    config: { wide_screen_mode: true },
    header: { title: { tag: 'plain_text', content: title }, template },
    elements: [{ tag: 'div', text: { tag: 'lark_md', content } }],
  },
});

export const larkCase: ProviderCase = {
  type: 'lark',
  secret: (url) => ({ address: `${url}${path}` }),
  answers: { [`POST ${path}`]: { body: '{"code":0,"msg":"success"}' } },
  deliveries: [
    {
      name: 'a card',
      event: { metadata: { revision: 'r1', env: 'prod' } },
      sent: [
        {
          path,
          body: cardOf(
            '💫 kustomization/web.apps',
            'turquoise',
            '**Applied revision: main@sha1:abc**\n\nenv: prod\nrevision: r1\n',
          ),
        },
      ],
    },
    {
      name: 'an error in red',
      event: { severity: 'error', message: 'down' },
      sent: [{ path, body: cardOf('🚨 kustomization/web.apps', 'red', '**down**\n\n') }],
    },
  ],
  failures: [
    rateLimit,
    {
      name: 'a rate limit under status 200',
      reply: { status: 200, body: '{"code":11232,"msg":"frequency limited"}' },
      permanent: false,
      retryAfterMs: 60_000,
      says: 'frequency limited',
    },
    {
      name: 'an unknown bot',
      reply: { status: 200, body: '{"code":19001,"msg":"param invalid"}' },
      permanent: false,
      says: 'code 19001: param invalid',
    },
    { name: 'no JSON', reply: { status: 200, body: 'busy' }, permanent: false, says: 'JSON' },
    { name: 'a card that is refused', reply: { status: 400 }, permanent: true },
  ],
};
