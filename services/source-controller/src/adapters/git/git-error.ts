/** A peer that does not speak the protocol, or refuses to go on. */
export class ProtocolError extends Error {
  override name = 'ProtocolError';
}

/** A server that does not take the login. */
export class LoginRefusedError extends ProtocolError {
  override name = 'LoginRefusedError';
}

/** A server's refusal in its own words, such as of a commit that it does not have. */
export class RefusedError extends ProtocolError {
  override name = 'RefusedError';
}
