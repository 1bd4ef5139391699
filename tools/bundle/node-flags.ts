/**
 * The flags of Node with which images run a bundle. The heap of a controller is small and mostly long-lived: a small
 * young generation and lazy compilation keep a third of the memory at about the same CPU (`npm run bench -- mttp`).
 */
export const nodeFlags = ['--max-semi-space-size=8', '--v8-pool-size=1', '--optimize-for-size'];
