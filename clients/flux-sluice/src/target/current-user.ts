import type { KubeClient } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';

/**
 * Asks the API server who the user is.
 *
 * @throws CliError when it does not say, ApiError, ConnectionError
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review
 */
export async function currentUser(client: KubeClient): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const answer = (await client.request('POST', path, { body })) as {
    status?: { userInfo?: { username?: string } };
  };
  const name = answer.status?.userInfo?.username;
  if (name) return name;
  throw new CliError(
    'the API server does not say who you are, so nothing can be done in your name',
  );
}
