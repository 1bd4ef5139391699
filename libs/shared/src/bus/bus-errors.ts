/** The bus cannot take messages now: not connected, or the stream of a message is not there yet. */
export class BusUnavailableError extends Error {
  override name = 'BusUnavailableError';
}

/** A message that no later attempt can publish: its subject, size or content is refused, whoever asks. */
export class UnpublishableError extends Error {
  override name = 'UnpublishableError';
}

/** Somebody else has stored a message under the subject meanwhile, so that this one rests on an older state. */
export class OvertakenError extends Error {
  override name = 'OvertakenError';
}
