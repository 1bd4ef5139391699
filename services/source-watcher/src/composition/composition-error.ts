/** What an ArtifactGenerator asks for cannot be done with the files of its sources; the message says why. */
export class CompositionError extends Error {
  override name = 'CompositionError';
}
