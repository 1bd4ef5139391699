import type { IncomingHttpHeaders } from 'node:http';
import type { ReceiverSpec } from '@sluice/shared/api';
import type { SecretData } from '../provider/secrets.ts';

/** A webhook as it arrived. */
export interface Webhook {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A webhook that is not genuine or not wanted. The message holds no secret. */
export class WebhookRefusedError extends Error {
  override name = 'WebhookRefusedError';
}

/** What a webhook that asks for reconciliations tells the filters of its Receiver. */
export interface WebhookFacts {
  /** What the sender says, where it is not the body. */
  payload?: Record<string, unknown>;
  /** Of the token that authenticates the sender. */
  claims?: Record<string, unknown>;
}

/** What to do for a webhook that is genuine. */
export type WebhookVerdict = 'reconcile' | 'ignore' | WebhookFacts;

/**
 * Verifies a token of Google that is for an audience and an account.
 *
 * @throws WebhookRefusedError when it is not genuine, has expired, or is for others
 */
export type VerifyGoogleToken = (
  token: string,
  expected: { email: string; audience: string },
) => Promise<void>;

/**
 * Verifies a token of an OIDC issuer that is for an audience; returns its claims.
 *
 * @throws WebhookRefusedError when it is not genuine, has expired, or is for others
 */
export type VerifyOidcToken = (
  token: string,
  expected: { issuer: string; audience: string },
) => Promise<Record<string, unknown>>;

export type OidcProvider = NonNullable<ReceiverSpec['oidcProviders']>[number];

/** By what a webhook is judged. */
export interface WebhookRules {
  token: string;
  /** The whole Secret of `spec.secretRef`. */
  secret: SecretData;
  /** Those of `spec.events`; all when there are none. */
  events: readonly string[];
  verifyGoogleToken: VerifyGoogleToken;
  oidcProviders: readonly OidcProvider[];
  verifyOidcToken: VerifyOidcToken;
}

/**
 * Decides whether a webhook is genuine, and whether it asks for anything.
 *
 * @throws WebhookRefusedError
 */
export type WebhookType = (
  webhook: Webhook,
  rules: WebhookRules,
) => WebhookVerdict | Promise<WebhookVerdict>;
