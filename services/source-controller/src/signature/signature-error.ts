/** A signature that is not there, or is not one of a trusted key; the message says why. */
export class SignatureError extends Error {
  override name = 'SignatureError';
}

/** A trusted key that cannot be read; the message names where it is. */
export class TrustedKeyError extends Error {
  override name = 'TrustedKeyError';
}
