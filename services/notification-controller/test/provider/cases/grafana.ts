import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/api/annotations/graphite';
const body = {
  when: 1767323045,
  text: 'kustomization/web.apps',
  tags: [
    'flux',
    'kustomize-controller',
    'revision: main@sha1|abc',
    'kind: Kustomization',
    'name: web',
    'namespace: apps',
  ],
};

export const grafanaCase: ProviderCase = {
  type: 'grafana',
  spec: (url) => ({ address: `${url}${path}` }),
  secret: () => ({ token: 'canary' }),
  event: { metadata: { revision: 'main@sha1:abc' } },
  deliveries: [
    {
      name: 'an annotation',
      sent: [{ path, headers: { authorization: 'Bearer canary' }, body }],
    },
    {
      name: 'with user and password, when there is no token',
      secret: { token: '', username: 'u', password: 'p' },
      sent: [{ path, headers: { authorization: 'Basic dTpw' }, body }],
    },
    {
      name: 'with the token rather than user and password',
      secret: { username: 'u', password: 'p' },
      sent: [{ path, headers: { authorization: 'Bearer canary' }, body }],
    },
    {
      name: 'the end of a failure, which becomes a region',
      ends: { failures: [{ event: {}, receipt: '7' }, { event: {} }], only: true },
      sent: [
        {
          method: 'PATCH',
          path: '/api/annotations/7',
          headers: { authorization: 'Bearer canary' },
          body: { timeEnd: 1767323045678 },
        },
      ],
    },
    {
      name: 'the end of a failure whose annotation was deleted, and the event itself',
      ends: { failures: [{ event: {}, receipt: '7' }], only: false },
      answers: { 'PATCH /api/annotations/7': { status: 404 } },
      sent: [
        { path, body },
        { method: 'PATCH', path: '/api/annotations/7', body: { timeEnd: 1767323045678 } },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an annotation that is refused', reply: { status: 400 }, permanent: true },
  ],
};
