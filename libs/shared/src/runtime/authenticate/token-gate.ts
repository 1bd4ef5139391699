import type { IncomingMessage } from 'node:http';
import type { Logger } from '@sluice/shared/base';
import { bearerToken } from './bearer-token.ts';
import type { JudgeToken, Verdict } from './judge-token.ts';
import { refusalLog } from './refusal-log.ts';
import { ReviewUnavailableError, TooManyTokensError } from './review-token.ts';

/** The answer to a request that is turned away. */
export interface Refusal {
  status: 401 | 403 | 503;
  headers?: Record<string, string>;
  /** Plain text. */
  body: string;
}

/** Looks at the head of a request; what it answers ends the request. */
export type TokenGate = (request: IncomingMessage) => Promise<Refusal | undefined>;

export interface TokenGateOptions {
  judge: JudgeToken;
  logger: Logger;
  /** Who comes, and for what, such as `sender` and `send events`. */
  words: { who: string; deed: string };
  /** Message of the log lines about those who are turned away. */
  message: string;
}

/**
 * Makes a gate that lets through whose `Authorization: Bearer` token is accepted. 401 without a token or for one that
 * is nobody's, 403 for an account that may not come, 503 when that cannot be told now.
 */
export function createTokenGate(o: TokenGateOptions): TokenGate {
  const log = refusalLog(o.logger, o.message);
  return async (request) => {
    const address = request.socket.remoteAddress ?? '';
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) {
      log('missing', { address });
      return unauthenticated('Bearer', 'send a service account token as Authorization: Bearer');
    }
    try {
      return answerTo(await o.judge(token, address), { ...o, address, log });
    } catch (error) {
      if (!(error instanceof ReviewUnavailableError)) throw error;
      log(error instanceof TooManyTokensError ? 'busy' : 'unavailable', {
        address,
        error: error.message,
      });
      return { status: 503, body: `the ${o.words.who} cannot be authenticated now\n` };
    }
  };
}

function answerTo(
  verdict: Verdict,
  {
    words,
    address,
    log,
  }: Pick<TokenGateOptions, 'words'> & { address: string; log: ReturnType<typeof refusalLog> },
): Refusal | undefined {
  switch (verdict.kind) {
    case 'accepted':
      return undefined;
    case 'forbidden':
      log('forbidden', { address, user: verdict.user });
      return { status: 403, body: `${verdict.user} may not ${words.deed}\n` };
    case 'unauthenticated':
      log('unauthenticated', { address, error: verdict.problem });
      return unauthenticated('Bearer error="invalid_token"', 'the token is not valid here');
  }
}

function unauthenticated(challenge: string, problem: string): Refusal {
  return { status: 401, headers: { 'www-authenticate': challenge }, body: `${problem}\n` };
}
