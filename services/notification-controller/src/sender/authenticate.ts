import type { Logger } from '@sluice/shared/base';
import type { Answer, Gate } from '../http/respond.ts';
import { bearerToken } from './bearer-token.ts';
import type { JudgeToken, Verdict } from './judge-token.ts';
import { refusalLog } from './refusal-log.ts';
import { ReviewUnavailableError, TooManyTokensError } from './review-token.ts';

/**
 * Makes the gate before events: it lets through whose `Authorization: Bearer` token is accepted. 401 without a token
 * or for one that is nobody's, 403 for an account that may not send, 503 when that cannot be told now.
 */
export function senderGate(o: { judge: JudgeToken; logger: Logger }): Gate {
  const log = refusalLog(o.logger);
  return async (request) => {
    const address = request.socket.remoteAddress ?? '';
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) {
      log('missing', { address });
      return unauthenticated('Bearer', 'send a service account token as Authorization: Bearer');
    }
    try {
      return answerOf(await o.judge(token, address), address, log);
    } catch (error) {
      if (!(error instanceof ReviewUnavailableError)) throw error;
      log(error instanceof TooManyTokensError ? 'busy' : 'unavailable', {
        address,
        error: error.message,
      });
      return { status: 503, body: 'the sender cannot be authenticated now\n' };
    }
  };
}

function answerOf(
  verdict: Verdict,
  address: string,
  log: ReturnType<typeof refusalLog>,
): Answer | undefined {
  switch (verdict.kind) {
    case 'accepted':
      return undefined;
    case 'forbidden':
      log('forbidden', { address, user: verdict.user });
      return { status: 403, body: `${verdict.user} may not send events\n` };
    case 'unauthenticated':
      log('unauthenticated', { address, error: verdict.problem });
      return unauthenticated('Bearer error="invalid_token"', 'the token is not valid here');
  }
}

function unauthenticated(challenge: string, problem: string): Answer {
  return { status: 401, headers: { 'www-authenticate': challenge }, body: `${problem}\n` };
}
