/** Another process may lead now; nothing may be written any more. */
export class LeadershipLostError extends Error {
  override name = 'LeadershipLostError';
}
