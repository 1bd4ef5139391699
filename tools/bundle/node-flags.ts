const common = ['--max-semi-space-size=8', '--v8-pool-size=1'];

/**
 * The flags of Node with which images run a program. The heap of a controller is small and mostly long-lived: a small
 * young generation, and an old one that is kept small, save a third of the memory (`npm run bench -- mttp`).
 * What notification-controller holds changes with every event, so that its old generation may grow: kept small, it
 * is collected so often that an event costs nearly twice the CPU (`npm run bench -- events`).
 */
export function nodeFlagsOf(program: string): string[] {
  return program === 'notification-controller' ? common : [...common, '--optimize-for-size'];
}
