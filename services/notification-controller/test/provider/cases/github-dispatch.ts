import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

export const githubDispatchCase: ProviderCase = {
  type: 'githubdispatch',
  spec: (url) => ({ address: `${url}/org/repo` }),
  secret: () => ({ token: 'ghp-canary' }),
  answers: { '*': { status: 204 } },
  deliveries: [
    {
      name: 'the event',
      sent: [
        {
          path: '/api/v3/repos/org/repo/dispatches',
          headers: { authorization: 'Bearer ghp-canary' },
          body: {
            event_type: 'Kustomization/web.apps',
            client_payload: {
              involvedObject: {
                kind: 'Kustomization',
                namespace: 'apps',
                name: 'web',
                uid: '7d0cdc51-ddcf-4743-b223-83ca5c699632',
                apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
              },
              severity: 'info',
              timestamp: '2026-01-02T03:04:05Z',
              message: 'Applied revision: main@sha1:abc',
              reason: 'ReconciliationSucceeded',
              reportingController: 'kustomize-controller',
              reportingInstance: 'kustomize-controller-0',
            },
          },
        },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'a token without rights', reply: { status: 404 }, permanent: false },
    { name: 'too large a payload', reply: { status: 422 }, permanent: true },
  ],
};
