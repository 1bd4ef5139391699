/** A peer that does not speak the protocol, or refuses to go on. */
export class ProtocolError extends Error {
  override name = 'ProtocolError';
}
