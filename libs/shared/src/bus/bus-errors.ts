/** The bus cannot take messages now: not connected, or the stream of a message is not there yet. */
export class BusUnavailableError extends Error {
  override name = 'BusUnavailableError';
}

/** A message that no later attempt can publish: its subject, size or content is refused, whoever asks. */
export class UnpublishableError extends Error {
  override name = 'UnpublishableError';
}
