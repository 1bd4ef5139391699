import { createDispatcher, NetworkGuard } from '@sluice/shared/net';

/** Flags with which controllers reach the servers of tests and of `npm start`, all of which listen on loopback. */
export const localNetworkFlags: readonly string[] = ['--allow-addresses=loopback'];

/** The contrary: of this machine, nothing but the address of the artifacts is within reach. */
export const artifactsOnly = {
  host: '127.0.0.2',
  flags: ['--allow-addresses=127.0.0.2'],
} as const;

/** What those flags allow, for parts that are tested without their controller. */
export const localNetwork = new NetworkGuard({ allow: ['loopback'] });

/** Makes connection pools that reach the servers of tests, through the guard. */
export function localDispatcher() {
  return createDispatcher({ guard: localNetwork, connectTimeoutMs: 15_000 });
}
