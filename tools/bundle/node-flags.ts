/**
 * The environment with which images run Node: how the C library keeps memory, as numbers of bytes. V8's
 * compilers take 30 MiB for a moment, in pieces of 32 KiB: what is so large goes back to the system when it is freed,
 * and threads share what is smaller (`npm run bench -- memory`).
 *
 * @see https://man7.org/linux/man-pages/man3/mallopt.3.html
 */
export const nodeEnvironment: Record<string, string> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

const common = ['--max-semi-space-size=8', '--v8-pool-size=1'];
/**
 * The parser of HTTP that undici has in WebAssembly is one large function. To optimise it takes 38 MiB for a moment, and
 * 29 without unrolling its loops.
 */
const lighterWasm = '--no-wasm-loop-unrolling';
/** It is no faster optimised. BLAKE3 is, by ten times, which notification-controller has no use for. */
const lightWasm = '--liftoff-only';

/**
 * The flags of Node with which images run a program. The heap of a controller is small and mostly long-lived: a small
 * young generation, and an old one that is kept small, save a third of the memory (`npm run bench -- mttp`).
 * What notification-controller holds changes with every event, so that its old generation may grow: kept small, it
 * is collected so often that an event costs nearly twice the CPU (`npm run bench -- events`).
 */
export function nodeFlagsOf(program: string): string[] {
  return program === 'notification-controller'
    ? [...common, lightWasm]
    : [...common, lighterWasm, '--optimize-for-size'];
}
