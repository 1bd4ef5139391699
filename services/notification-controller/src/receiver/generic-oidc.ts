import { bearerTokenOf } from './checks.ts';
import { checkClaims } from './oidc-claims.ts';
import { WebhookRefusedError, type WebhookType, type WebhookVerdict } from './webhook.ts';

const defaultAudience = 'notification-controller';

/** Any sender with a token of one of the issuers of `spec.oidcProviders` whose claims hold. */
export const genericOidcWebhook: WebhookType = async (
  { headers },
  { oidcProviders, verifyOidcToken },
): Promise<WebhookVerdict> => {
  const token = bearerTokenOf(headers);
  const issuer = await claimedIssuer(token);
  const index = oidcProviders.findIndex(({ issuerURL }) => issuerURL === issuer);
  const provider = oidcProviders[index];
  if (issuer === undefined || provider === undefined) {
    throw new WebhookRefusedError('the token is of no issuer of spec.oidcProviders');
  }
  const audience = provider.audience || defaultAudience;
  const claims = await verifyOidcToken(token, { issuer, audience });
  checkClaims(provider, index, claims);
  return { claims };
};

/** What the token says before it is verified, which only chooses by whom it is. */
async function claimedIssuer(token: string): Promise<string | undefined> {
  const { decodeJwt } = await import('jose');
  try {
    return decodeJwt(token).iss;
  } catch {
    throw new WebhookRefusedError('the bearer token is no JSON Web Token');
  }
}
