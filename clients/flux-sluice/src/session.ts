import type { Bus } from '@sluice/shared/bus';
import type { KubeClient } from '@sluice/shared/kube';
import type { Invocation, NatsAddress } from './config.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with. */
export interface Session {
  invocation: Invocation;
  client: KubeClient;
  /** Namespace of objects that are named. */
  namespace: string;
  terminal: Terminal;
  /** Connects to NATS; a RangeError when the address cannot be used. */
  openBus(address: NatsAddress): Bus;
  /** For programs that are run. */
  env: Record<string, string | undefined>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Exit codes of the program. */
export const exitCodes = { done: 0, failed: 1, changes: 2 } as const;
