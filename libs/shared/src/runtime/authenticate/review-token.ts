import { errorMessage, SecretMasker } from '@sluice/shared/base';
import { isForbidden, type KubeClient } from '@sluice/shared/kube';

/** Whose token it is; without a user, why it is nobody's. */
export type Review = { user: string } | { user?: undefined; problem: string };

/**
 * Has a token reviewed.
 *
 * @throws ReviewUnavailableError when it cannot be reviewed now
 */
export type ReviewToken = (token: string) => Promise<Review>;

/** Nobody can say now whose a token is. The message names no token. */
export class ReviewUnavailableError extends Error {
  override name = 'ReviewUnavailableError';
}

/** More tokens come than are reviewed: an attack, or many who share an address. */
export class TooManyTokensError extends ReviewUnavailableError {
  override name = 'TooManyTokensError';
}

/** What is read of a TokenReview. */
interface ReviewStatus {
  authenticated?: boolean;
  audiences?: string[];
  user?: { username?: string };
  error?: string;
}

const path = '/apis/authentication.k8s.io/v1/tokenreviews';

/** Shorter than those who come wait for their answer. */
const timeoutMs = 5_000;

const maxProblemLength = 300;

/**
 * Makes a function that asks the API server whose a token is, by a TokenReview.
 *
 * @param audience for which the token has to be made
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
export function createTokenReviewer(
  client: Pick<KubeClient, 'request'>,
  audience: string,
): ReviewToken {
  return async (token) => {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    };
    const hide = hiderOf(token);
    try {
      const answer = await client.request('POST', path, { body, timeoutMs });
      return readStatus((answer as { status?: ReviewStatus } | null)?.status ?? {}, audience, hide);
    } catch (error) {
      // Without its cause, which might hold the token.
      throw new ReviewUnavailableError(
        isForbidden(error)
          ? 'tokens may not be reviewed: grant create on tokenreviews.authentication.k8s.io to the controller'
          : `the token cannot be reviewed: ${hide(errorMessage(error))}`,
      );
    }
  };
}

function readStatus(
  { authenticated, audiences, user, error }: ReviewStatus,
  audience: string,
  hide: (text: string) => string,
): Review {
  if (authenticated !== true || !user?.username) {
    return { problem: hide(error || 'the API server does not know the token') };
  }
  // A server that knows nothing of audiences returns none: then the token may be anybody's.
  if (!audiences?.includes(audience)) return { problem: `the token is not for '${audience}'` };
  return { user: user.username };
}

function hiderOf(token: string): (text: string) => string {
  const masker = new SecretMasker();
  masker.add(token);
  for (const part of token.split('.')) masker.add(part);
  return (text) => masker.mask(text).slice(0, maxProblemLength);
}
