import { type ProviderCase, rateLimit } from '../contract.ts';

const path = '/workflows/canary';
const metadata = { revision: 'r1', env: 'prod', summary: 'shop' };
const cardWith = (message: object, factSet: object) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        body: [
          {
            type: 'Container',
            items: [
              {
                type: 'TextBlock',
                text: 'kustomization/web.apps',
                size: 'large',
                weight: 'bolder',
                wrap: true,
              },
              { type: 'TextBlock', ...message, wrap: true },
              { type: 'FactSet', ...factSet },
            ],
          },
        ],
        msteams: { width: 'Full' },
      },
    },
  ],
});
const message = 'Applied revision: main@sha1:abc';

export const msteamsCase: ProviderCase = {
  type: 'msteams',
  spec: (url) => ({ address: `${url}${path}` }),
  deliveries: [
    {
      name: 'an adaptive card, the summary first',
      event: { metadata },
      sent: [
        {
          path,
          body: cardWith(
            { text: message },
            {
              facts: [
                { title: 'summary', value: 'shop' },
                { title: 'env', value: 'prod' },
                { title: 'revision', value: 'r1' },
              ],
            },
          ),
        },
      ],
    },
    {
      name: 'an error in red, without metadata',
      event: { severity: 'error' },
      sent: [{ path, body: cardWith({ text: message, color: 'attention' }, {}) }],
    },
    {
      name: 'a long text, shortened',
      event: { message: 'ä'.repeat(10_000) },
      sent: [{ path, body: cardWith({ text: `${'ä'.repeat(8_179)} … (3642 bytes cut off)` }, {}) }],
    },
  ],
  failures: [
    rateLimit,
    { name: 'a workflow that is off', reply: { status: 404 }, permanent: false },
    { name: 'a bad signature of the address', reply: { status: 401 }, permanent: false },
    { name: 'too large a card', reply: { status: 413 }, permanent: true },
  ],
};

/** The old form, by the host. */
export const msteamsConnectorCase: ProviderCase = {
  type: 'msteams',
  host: 'org.webhook.office.com',
  spec: () => ({ address: 'https://org.webhook.office.com/canary' }),
  event: { metadata },
  deliveries: [
    {
      name: 'a message card to a connector',
      event: { severity: 'error' },
      sent: [
        {
          path: '/canary',
          body: {
            '@type': 'MessageCard',
            '@context': 'http://schema.org/extensions',
            themeColor: 'FF0000',
            summary: 'kustomization/web.apps',
            sections: [
              {
                activityTitle: message,
                activitySubtitle: 'kustomization/web.apps',
                facts: [
                  { name: 'env', value: 'prod' },
                  { name: 'revision', value: 'r1' },
                  { name: 'summary', value: 'shop' },
                ],
              },
            ],
          },
        },
      ],
    },
  ],
  failures: [rateLimit],
};
