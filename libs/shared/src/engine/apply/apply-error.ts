import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, SecretMasker, secretMask } from '@sluice/shared/base';
import { ApiError, isInvalid, NoKindMatchError } from '@sluice/shared/kube';
import { fieldAt, isMap, isSecret } from '../object/object-fields.ts';
import { displayName, type ObjectId, objectIdOf } from '../object/object-id.ts';

/** One object could not be applied, pruned or compared. The message holds no value of a Secret. */
export class ObjectError extends Error {
  readonly id: ObjectId;
  /** HTTP status of the API server's answer; undefined when there was none. */
  readonly status?: number;
  /** Reason of the API server's answer, such as `Invalid`. */
  readonly reason?: string;
  /** Milliseconds before which the API server asks not to be tried again. */
  readonly retryAfterMs?: number;
  /** Says which kind the cluster does not serve, when that is why. */
  readonly missing?: NoKindMatchError;
  /** Whether only fields that cannot change are why. */
  readonly isImmutable: boolean;

  constructor(id: ObjectId, message: string, source?: unknown) {
    super(message);
    this.name = 'ObjectError';
    this.id = id;
    this.isImmutable = isImmutableError(source);
    if (source instanceof ApiError) {
      this.status = source.status;
      this.reason = source.reason;
      this.retryAfterMs = source.retryAfterMs;
    }
    if (source instanceof NoKindMatchError) this.missing = source;
  }
}

/** Whether an object may have been written although that was reported as a failure. */
export function mayHaveHappened(error: Error): boolean {
  if (!(error instanceof ObjectError)) return true;
  return error.status === undefined || error.status >= 500;
}

/** Whether the API server has said something about the object itself; trouble on the way to it says nothing. */
export function isAnswer(error: unknown): error is ObjectError {
  if (!(error instanceof ObjectError)) return false;
  const { status } = error;
  return status !== undefined && status < 500 && status !== 429;
}

/** The decoder of the API server quotes the bytes around an error, which may be part of a value. */
const decoderExcerpt = /,?\s*error found in #\d+ byte of[\s\S]*$/;

/** What helps against a field that cannot be changed, besides its former value. */
const usualFix =
  ', or delete the object so that it is created anew (a Kustomization does that with spec.force)';

/**
 * Turns what a request about an object threw into an error that names the object and hides its secret values. The
 * original is not attached, for its message may hold them.
 *
 * @param action what failed, such as `apply`
 * @param fix what helps against a field that cannot be changed, after "restore the value"
 */
export function objectError(
  object: KubeObject,
  action: string,
  error: unknown,
  fix = usualFix,
): ObjectError {
  if (error instanceof ObjectError) return error;
  const id = objectIdOf(object);
  const reason = error instanceof ApiError && error.reason !== '' ? ` (${error.reason})` : '';
  const text = maskSecretValues(object, errorMessage(error).replace(decoderExcerpt, ''));
  const hint = isImmutableError(error) ? immutableHint(error, fix) : '';
  return new ObjectError(
    id,
    `${displayName(object)} ${action} failed${reason}: ${text}${hint}`,
    error,
  );
}

/** Returns the error of an object that is not recreated although its owner has `force`, for its data would go with it. */
export function dataError(
  object: KubeObject,
  refusal: unknown,
  annotationPrefix: string,
): ObjectError {
  const fix =
    '; force does not recreate it, for its data may go with it: annotate the object with ' +
    `${annotationPrefix}/force: enabled if that is meant`;
  return objectError(object, 'apply', refusal, fix);
}

function immutableHint(error: unknown, fix: string): string {
  const fields = causesOf(error).map((cause) => cause.field ?? '');
  const named = [...new Set(fields.filter((field) => field !== ''))].join(', ');
  return `; ${named === '' ? 'the field' : named} cannot be changed on an existing object: restore the value${fix}`;
}

/** Returns the text without the values of the object when it is a Secret. */
export function maskSecretValues(object: KubeObject, text: string): string {
  if (!isSecret(object)) return text;
  const masker = new SecretMasker();
  let masked = text;
  for (const value of secretValues(object)) {
    masker.add(value);
    // The masker leaves short values alone, which would garble any text; in quotes they are safe to replace.
    masked = masked.replaceAll(JSON.stringify(value), `"${secretMask}"`);
  }
  return masker.mask(masked);
}

function secretValues(object: KubeObject): string[] {
  const plain = valuesOf(fieldAt(object, 'stringData'));
  const encoded = valuesOf(fieldAt(object, 'data'));
  const decoded = encoded.map((value) => Buffer.from(value, 'base64').toString('utf8'));
  return [...plain, ...encoded, ...decoded].filter((value) => value !== '');
}

function valuesOf(map: unknown): string[] {
  return isMap(map) ? Object.values(map).map(String) : [];
}

/** Wordings of the API server, of webhooks and of CEL rules for a field that cannot change. */
const immutableTexts = [
  /immutable/i,
  /may not (be changed|change)/i,
  /cannot (be changed|change)/i,
  /updates to .* (are )?forbidden/i,
];

/**
 * Whether the API server refused a change because it touches only fields that cannot change. An object that is invalid
 * in another way as well is not meant: deleting it would leave nothing.
 */
export function isImmutableError(error: unknown): boolean {
  if (!(error instanceof ApiError) || ![400, 403, 409, 422].includes(error.status)) return false;
  const causes = causesOf(error);
  if (isInvalid(error) && causes.length > 0) {
    return causes.every((cause) => saysImmutable(cause.message ?? ''));
  }
  return error.reason !== 'Forbidden' && saysImmutable(error.message);
}

function causesOf(error: unknown): { message?: string; field?: string }[] {
  return error instanceof ApiError ? (error.details?.causes ?? []) : [];
}

function saysImmutable(text: string): boolean {
  return immutableTexts.some((pattern) => pattern.test(text));
}
