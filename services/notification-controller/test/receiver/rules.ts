import type { WebhookRules } from '../../src/receiver/webhook.ts';

/** Rules of types that no token authenticates. */
export const noTokens: Pick<
  WebhookRules,
  'oidcProviders' | 'verifyGoogleToken' | 'verifyOidcToken'
> = {
  oidcProviders: [],
  verifyGoogleToken: () => Promise.reject(new Error('no token is expected')),
  verifyOidcToken: () => Promise.reject(new Error('no token is expected')),
};
