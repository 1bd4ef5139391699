import { ApiError } from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';
import {
  createTokenReviewer,
  ReviewUnavailableError,
} from '../../../src/runtime/authenticate/review-token.ts';

const token = 'head.payload-of-the-token.signature-of-it';
const user = { username: 'system:serviceaccount:flux-system:helm-controller' };

/** Reviews the token with an API server that answers as told. */
function reviewed(answer: () => unknown) {
  const client = { request: async () => answer() };
  return createTokenReviewer(client, 'events')(token);
}

const apiError = (status: number, message: string) =>
  new ApiError({ status, reason: '', message, verb: 'POST', path: '/' });

describe('a review', () => {
  test.each([
    {
      name: 'for the audience',
      status: { authenticated: true, audiences: ['events'], user },
      wanted: { user: user.username },
    },
    {
      name: 'by a server that knows no audiences',
      status: { authenticated: true, user },
      wanted: { problem: expect.stringContaining("not for 'events'") },
    },
    {
      name: 'for another audience',
      status: { authenticated: true, audiences: ['other'], user },
      wanted: { problem: expect.stringContaining("not for 'events'") },
    },
    {
      name: 'of nobody, although it names somebody',
      status: { authenticated: false, audiences: ['events'], user },
      wanted: { problem: expect.any(String) },
    },
    {
      name: 'of nobody by name',
      status: { authenticated: true, audiences: ['events'], user: {} },
      wanted: { problem: expect.any(String) },
    },
    { name: 'without a status', status: undefined, wanted: { problem: expect.any(String) } },
  ])('$name', async ({ status, wanted }) => {
    expect(await reviewed(() => ({ status }))).toEqual(wanted);
  });

  test('that says why tells it without the token', async () => {
    const error = `cannot read ${token}: bad part "payload-of-the-token"${'x'.repeat(1000)}`;
    const { problem } = (await reviewed(() => ({ status: { error } }))) as { problem: string };
    expect(problem).toMatch(/^cannot read \*{5}/);
    expect(problem).not.toContain('payload');
    expect(problem.length).toBeLessThanOrEqual(300);
  });

  test.each([
    {
      name: 'without the right',
      error: apiError(403, 'forbidden'),
      wanted: 'grant create on tokenreviews.authentication.k8s.io',
    },
    {
      name: 'with a failing server',
      error: apiError(500, `no ${token}`),
      wanted: 'cannot be reviewed: no *****',
    },
  ])('$name says what to do, without the token', async ({ error, wanted }) => {
    const failed = reviewed(() => {
      throw error;
    });
    const problem = await failed.catch((problem: unknown) => problem);
    expect(problem).toBeInstanceOf(ReviewUnavailableError);
    expect((problem as Error).message).toContain(wanted);
    expect((problem as Error).cause).toBeUndefined();
  });
});
