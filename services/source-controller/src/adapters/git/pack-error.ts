/** A pack that is damaged or lacks objects. */
export class PackError extends Error {
  override name = 'PackError';
}
