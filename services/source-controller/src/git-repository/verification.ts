import type { GitRepository } from '@sluice/shared/api';
import { RetryableError, StalledError } from '@sluice/shared/base';
import { verificationErrorReason } from '../source/names.ts';
import { readSecret } from '../source/secrets.ts';
import { failVerification } from '../source/status.ts';
import type { GitContext } from './deps.ts';
import type { ResolvedRef } from './resolve-ref.ts';
import type { Verification } from './verify-objects.ts';

type Mode = 'HEAD' | 'Tag' | 'TagAndHEAD';

const sshKeyEnding = '.sshpub';

/** `spec.verify.mode`, of which `head` is an older spelling; undefined when nothing has to be signed. */
export function verificationMode({ verify }: GitRepository['spec']): Mode | undefined {
  if (verify === undefined) return undefined;
  const { mode = 'HEAD' } = verify;
  return mode === 'head' ? 'HEAD' : mode;
}

/**
 * Reads what has to be signed, and by whom.
 *
 * @returns undefined when nothing has to be
 * @throws StalledError `InvalidVerificationMode` when there is no tag; RetryableError `VerificationError` when the
 *   Secret with the keys cannot be read
 */
export async function verificationOf(
  { client, object, status }: GitContext,
  ref: ResolvedRef,
): Promise<Verification | undefined> {
  const mode = verificationMode(object.spec);
  const { verify } = object.spec;
  if (mode === undefined || verify === undefined) return undefined;
  const { tag } = ref;
  if (mode !== 'HEAD' && tag === undefined) {
    failVerification(
      status,
      new StalledError(
        'InvalidVerificationMode',
        `cannot verify tag object's signature if a tag reference is not specified: spec.verify.mode ${mode} needs spec.ref.tag, spec.ref.semver or a spec.ref.name of a tag`,
      ),
    );
  }
  const key = { namespace: object.metadata.namespace, name: verify.secretRef.name };
  const secret = await readSecret(client, key, 'spec.verify.secretRef').catch((cause: unknown) =>
    failVerification(
      status,
      new RetryableError(verificationErrorReason, (cause as Error).message, { cause }),
    ),
  );
  const entries = Object.entries(secret.values);
  const isSsh = ([name]: [string, string]) => name.endsWith(sshKeyEnding);
  return {
    commit: mode !== 'Tag',
    ...(mode !== 'HEAD' && tag && { tag }),
    keys: {
      openPgp: new Map(entries.filter((entry) => !isSsh(entry))),
      ssh: new Map(entries.filter(isSsh)),
    },
  };
}

/**
 * Gives a failure to verify the condition and reason that clients see.
 *
 * @throws RetryableError with such a reason, or what was given
 */
export function asVerdict({ status, object }: GitContext, error: unknown): never {
  if (!(error instanceof Error)) throw error;
  const reason = reasons[error.name];
  if (reason === undefined) throw error;
  const secret = object.spec.verify?.secretRef.name;
  const isKey = reason === verificationErrorReason;
  const message = isKey ? `secret '${secret}': ${error.message}` : error.message;
  failVerification(status, new RetryableError(reason, message, { cause: error }));
}

const reasons: Record<string, string> = {
  TrustedKeyError: verificationErrorReason,
  UnverifiedCommitError: 'InvalidCommitSignature',
  UnverifiedTagError: 'InvalidTagSignature',
};
