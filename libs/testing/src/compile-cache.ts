/**
 * The environment variable by which a program that a test starts from its sources finds what others have compiled of
 * them, as `npm test` sets it; none where it is not set.
 */
export function compileCacheEnvironment(): Record<string, string> {
  const folder = process.env['NODE_COMPILE_CACHE'];
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}
