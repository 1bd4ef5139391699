import { createProgramPool, ProgramError, type ProgramPool } from '@sluice/shared/cli';
import { SignatureError, TrustedKeyError } from '../signature/signature-error.ts';
import type { Descriptor } from './registry/manifest.ts';

const mebibyte = 1024 * 1024;
/** A verification takes some ten MiB, with large lists of revoked certificates more. */
const maxRssBytes = 192 * mebibyte;
const maxFrameBytes = mebibyte;
/** Signatures are checked seldom: the program ends soon after. */
const idleMs = 15_000;

/** What has to be signed, by whom, and the signatures there are; the form in which the program takes it. */
export interface NotationRequest {
  /** `<host>/<repository>@<digest>`; scopes of the trust policy are compared with it. */
  reference: string;
  artifact: Descriptor;
  signatures: NotationSignature[];
  /** JSON of the trust policy. */
  trustPolicy: string;
  /** PEM texts in base64, by the names of their keys. */
  certificates: Record<string, string>;
}

/** An envelope of a signature. */
export interface NotationSignature {
  mediaType: string;
  /** Base64. */
  content: string;
}

/** What the program found. */
export interface NotationVerdict {
  /** Of the statement in the policy; `skip` lets everything pass. */
  level: string;
  /** Undefined when the policy lets pass what nobody vouches for. */
  signer?: string;
  /** What is wrong, where the policy does not insist. */
  warnings?: string[];
}

/** A request that the program wants to be sent, to learn whether a certificate was revoked. */
export interface RevocationRequest {
  method: 'GET' | 'POST';
  url: string;
  contentType?: string;
  /** Base64. */
  body?: string;
}

/** Its answer. */
export interface RevocationAnswer {
  status: number;
  contentType: string;
  /** Base64. */
  body: string;
}

export interface NotationOptions {
  timeoutMs: number;
  /** Whose turn it takes: the namespace of the tenant. */
  share: string;
  signal: AbortSignal;
  /** Sends a request; what it throws leaves unknown whether the certificate was revoked. */
  fetch(request: RevocationRequest): Promise<RevocationAnswer>;
}

/** The notation-verifier program. */
export interface NotationVerifier {
  /**
   * Checks signatures of Notary Project.
   *
   * @throws SignatureError when none counts; TrustedKeyError when policy or certificates cannot be used; CommandError
   *   when the program is missing, or exceeds a limit
   */
  verify(request: NotationRequest, o: NotationOptions): Promise<NotationVerdict>;
  /** Ends its processes. */
  close(): Promise<void>;
}

/** Creates the door to the program, which is started when there is something to check. */
export function createNotationVerifier(program: string): NotationVerifier {
  const pool = createProgramPool({
    name: 'notation-verifier',
    file: program,
    size: 1,
    idleMs,
    maxRssBytes,
    maxOutputBytes: maxFrameBytes,
    env: { GOMAXPROCS: '1', GOMEMLIMIT: String(Math.floor(maxRssBytes * 0.75)) },
  });
  return {
    verify: (request, o) => verify(pool, request, o),
    close: () => pool.close(),
  };
}

async function verify(
  pool: ProgramPool,
  request: NotationRequest,
  { fetch, ...o }: NotationOptions,
): Promise<NotationVerdict> {
  try {
    return await pool.call<NotationVerdict>(request, {
      ...o,
      onQuestion: (_, params) => fetch(params as RevocationRequest),
    });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (error.kind === 'signature') throw new SignatureError(error.message);
    if (error.kind === 'trust') throw new TrustedKeyError(error.message);
    throw error;
  }
}
