import { type ProviderCase, rateLimit } from '../contract.ts';

const path = '/v1/spaces/X/messages?key=canary-key';
const cardWith = (text: string, ...sections: object[]) => ({
  cards: [
    {
      header: {
        title: 'kustomization/web.apps',
        subtitle: 'kustomize-controller',
        imageUrl: null,
        imageStyle: null,
      },
      sections: [
        { header: '', widgets: [{ textParagraph: { text }, keyValue: null }] },
        ...sections,
      ],
    },
  ],
});

export const googleChatCase: ProviderCase = {
  type: 'googlechat',
  secret: (url) => ({ address: `${url}${path}` }),
  deliveries: [
    { name: 'a card', sent: [{ path, body: cardWith('Applied revision: main@sha1:abc') }] },
    {
      name: 'an error in red, with metadata',
      event: { severity: 'error', message: 'down', metadata: { env: 'prod' } },
      sent: [
        {
          path,
          body: cardWith('<font color="#ff0000">down</font>', {
            header: '',
            widgets: [
              {
                textParagraph: null,
                keyValue: {
                  topLabel: 'env',
                  content: 'prod',
                  contentMultiline: false,
                  bottomLabel: null,
                  icon: null,
                },
              },
            ],
          }),
        },
      ],
    },
  ],
  failures: [
    rateLimit,
    {
      name: 'a bad key, which is not repeated',
      reply: { status: 403, body: 'no such key=canary-key' },
      permanent: false,
      says: 'no such',
    },
    { name: 'an unknown space', reply: { status: 404 }, permanent: false },
    { name: 'a card that is refused', reply: { status: 400 }, permanent: true },
  ],
};
