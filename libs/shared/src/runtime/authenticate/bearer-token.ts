/**
 * Reads the token of an `Authorization` header.
 *
 * @returns undefined when there is none, or one that is no JSON web token, as those of service accounts are
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
}

/**
 * Reads when a JSON web token expires, without checking its signature: for tokens that somebody else has verified.
 *
 * @returns milliseconds since the epoch; undefined when the token does not say
 */
export function expiryOf(token: string): number | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  try {
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    // No JSON web token.
    return undefined;
  }
}
