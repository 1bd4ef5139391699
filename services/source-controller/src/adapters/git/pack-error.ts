/** A pack that is damaged, lacks objects or is over a limit. */
export class PackError extends Error {
  override name = 'PackError';
}
