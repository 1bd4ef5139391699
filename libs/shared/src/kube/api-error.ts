import { SecretMasker } from '@sluice/shared/base';

/** One reason of a refusal, as the API server states it. */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** The `details` of a Kubernetes Status. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface ApiErrorOptions {
  status: number;
  reason: string;
  message: string;
  verb: string;
  path: string;
  details?: StatusDetails;
  retryAfterMs?: number;
}

/** The API server answered, and refused. */
export class ApiError extends Error {
  /** HTTP status code. */
  readonly status: number;
  /** `reason` of the Status, such as `NotFound`; the empty string when the answer has none. */
  readonly reason: string;
  readonly details?: StatusDetails;
  /** Milliseconds the server asks to wait. */
  readonly retryAfterMs?: number;
  /** HTTP method, or `WATCH`. */
  readonly verb: string;
  /** Request path without its query. */
  readonly path: string;

  constructor(o: ApiErrorOptions) {
    super(o.message);
    this.name = 'ApiError';
    this.status = o.status;
    this.reason = o.reason;
    this.details = o.details;
    this.retryAfterMs = o.retryAfterMs;
    this.verb = o.verb;
    this.path = o.path;
  }
}

/**
 * No answer came from the API server, or one that was cut off: `code` `ANSWER_TOO_LARGE`. Otherwise it is `TIMEOUT` when the time of the call ran out, `IDLE` when a watch
 * carried no byte for its idle time, `CLOSED` when the client was closed, else the code of the socket's error.
 */
export class ConnectionError extends Error {
  readonly code: string;
  readonly verb: string;
  readonly path: string;

  constructor(o: { code: string; verb: string; path: string; message: string; cause?: unknown }) {
    super(o.message, { cause: o.cause });
    this.name = 'ConnectionError';
    this.code = o.code;
    this.verb = o.verb;
    this.path = o.path;
  }
}

function hasStatus(error: unknown, status: number, reason?: string): boolean {
  return (
    error instanceof ApiError &&
    error.status === status &&
    (reason === undefined || error.reason === reason)
  );
}

/** The object or the path does not exist. */
export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);
/** The server does not serve the kind at all: its 404 names no object. */
export const isKindMissing = (error: unknown): boolean =>
  isNotFound(error) && (error as ApiError).details?.name === undefined;
/** The object changed meanwhile, or another field manager owns an applied field. */
export const isConflict = (error: unknown): boolean =>
  hasStatus(error, 409) && !isAlreadyExists(error);
/** An object of that name exists. */
export const isAlreadyExists = (error: unknown): boolean => hasStatus(error, 409, 'AlreadyExists');
/** The account may not do this. */
export const isForbidden = (error: unknown): boolean => hasStatus(error, 403);
/** Validation failed, for instance because an immutable field changed. */
export const isInvalid = (error: unknown): boolean => hasStatus(error, 422);
/** The resource version or continue token is too old: list again. */
export const isGone = (error: unknown): boolean => hasStatus(error, 410);

/** The same request may succeed later: overload, a server error, a lost connection, a timeout. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.code !== 'CLOSED';
  return error instanceof ApiError && (error.status === 429 || error.status >= 500);
}

interface Status {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: StatusDetails;
}

function asStatus(body: unknown): Status {
  const isStatus = typeof body === 'object' && body !== null && (body as Status).kind === 'Status';
  return isStatus ? (body as Status) : {};
}

/** Longest excerpt of an answer that is no Status, such as a proxy's error page. */
const maxExcerpt = 200;

function describe(status: Status, httpStatus: number, body: unknown): string {
  if (status.message) return status.message;
  const text = typeof body === 'string' ? body.trim().slice(0, maxExcerpt) : '';
  return `the API server answered ${httpStatus}${text === '' ? '' : `: ${text}`}`;
}

/** Reads `Retry-After` in seconds; the API server never sends the date form. */
function retryAfterMs(header: string | undefined, status: Status): number | undefined {
  const seconds = Number(header ?? status.details?.retryAfterSeconds);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}

/** Turns an answer that is no success into an error; `sensitive` hides what the sent object must not reveal. */
export function decodeError(o: {
  httpStatus: number;
  body: unknown;
  retryAfter?: string;
  verb: string;
  path: string;
  sensitive?: (text: string) => string;
}): ApiError {
  const status = asStatus(o.body);
  const hide = o.sensitive ?? ((text: string) => text);
  const causes = status.details?.causes?.map((cause) => ({
    ...cause,
    ...(cause.message && { message: hide(cause.message) }),
  }));
  const details = status.details && { ...status.details, ...(causes && { causes }) };
  return new ApiError({
    status: status.code ?? o.httpStatus,
    reason: status.reason ?? '',
    message: hide(describe(status, o.httpStatus, o.body)),
    verb: o.verb,
    path: o.path,
    details,
    retryAfterMs: retryAfterMs(o.retryAfter, status),
  });
}

/** The server prints the value it could not convert in this Go syntax, or quotes an invalid one. */
const printedValue = /(valueUnstructured\{Value:|Invalid value: )("(?:[^"\\]|\\.)*"|[^}\s]+)/g;

/** The texts of everything under a value. */
function leaves(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leaves);
  return value === undefined || value === null ? [] : [String(value)];
}

/**
 * Returns a function that hides the values of a Secret, or of a patch to one, in messages about it. Validation messages
 * of the API server may quote what was sent.
 */
export function secretHider(object: unknown): (text: string) => string {
  const masker = new SecretMasker();
  const { data, stringData } = (object ?? {}) as { data?: unknown; stringData?: unknown };
  const secrets = Array.isArray(object) ? object.map((step) => step?.value) : [data, stringData];
  for (const value of leaves(secrets)) {
    masker.add(value);
    masker.add(Buffer.from(value, 'base64').toString('utf8'));
  }
  return (text) => masker.mask(text.replace(printedValue, '$1*****'));
}

/** Whether an answer was cut off because it is larger than its limit. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === 'ANSWER_TOO_LARGE';
}
