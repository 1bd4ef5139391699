import {
  type Clock,
  errorMessage,
  type Logger,
  systemClock,
  whenAborted,
} from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import type { LeaderElectionSettings } from './common-flags.ts';
import { fencedClient } from './leader/fenced-client.ts';
import { createLeaderElector, type LeaderElector } from './leader/leader.ts';
import type { RunningServer } from './observe/http-server.ts';
import type { Metrics } from './observe/metrics.ts';
import { type ReadyCheck, startMetricsServer, startProbes } from './observe/probes.ts';
import { startProfiling } from './observe/profiling.ts';

/** What the parts of a service get. */
export interface ManagerContext {
  /** Aborts on shutdown and, for `start`, when the leadership is lost. */
  signal: AbortSignal;
  /** A client that refuses to write once the leadership is lost. */
  client: KubeClient;
  /** Who leads when that is another replica: where it serves, as far as it is known. Undefined while this one leads. */
  otherLeader(): { address: string | undefined } | undefined;
}

export interface ManagerOptions {
  /** Name of the service, such as `source-controller`. */
  name: string;
  logger: Logger;
  client: KubeClient;
  metrics?: Metrics;
  /** No election when undefined: this process always leads. */
  leaderElection?: LeaderElectionSettings & { namespace: string; leaseName: string };
  /** Listen addresses in Go's form; `0` for none. */
  metricsAddr: string;
  healthAddr: string;
  /** Where profiles are served, which is nowhere by default. */
  profilingAddr?: string;
  readyChecks?: Record<string, ReadyCheck>;
  /** Time that the parts get to end after a signal, in milliseconds. */
  gracefulShutdownMs: number;
  /** Ends the service like SIGTERM does. */
  shutdown?: AbortSignal;
  clock?: Clock;
}

interface Parts {
  /** Runs while this process leads; may return once everything is started, or when everything ended. */
  start(context: ManagerContext): Promise<void>;
  /** Runs without leadership as well, such as a file server; may return once it is started. */
  always?(context: ManagerContext): Promise<void>;
  /** What the other replicas are told of where this one serves while it leads, as `host:port`. */
  servedAt?(): string | undefined;
  /** Called after everything ended, whatever happened, before the lease is given back: sends what is left. */
  flush?(): Promise<void>;
}

/**
 * Runs a service until SIGTERM or SIGINT: metrics and probes, then the election, then `start`. On the
 * signal the parts get `gracefulShutdownMs` to end; then it flushes, gives the lease back and resolves.
 *
 * @throws LeadershipLostError when the leadership is lost; the process must exit, with a code other than 0
 * @throws Error what a part threw, or when an address cannot be listened on; the process should exit as well
 */
export async function runManager(options: ManagerOptions & Parts): Promise<void> {
  const { logger } = options;
  const stop = new AbortController();
  const removeHandlers = onTerminate((signal) => {
    logger.info({ signal }, 'Shutting down');
    stop.abort(new Error(`The process received ${signal}`));
  });
  const onShutdown = () => stop.abort(options.shutdown?.reason);
  if (options.shutdown?.aborted) onShutdown();
  options.shutdown?.addEventListener('abort', onShutdown);
  // Keeps the process alive even when it listens on nothing and all timers are unreferenced.
  const keepAlive = setInterval(() => undefined, 2 ** 30);
  const servers: RunningServer[] = [];
  try {
    await startServers(options, servers);
    await runParts(options, stop);
  } finally {
    stop.abort();
    clearInterval(keepAlive);
    removeHandlers();
    options.shutdown?.removeEventListener('abort', onShutdown);
    await Promise.all(servers.map((server) => server.close()));
    logger.info('Shutdown complete');
  }
}

function onTerminate(handle: (signal: string) => void): () => void {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const signal of signals) process.on(signal, handle);
  return () => {
    for (const signal of signals) process.off(signal, handle);
  };
}

async function startServers(options: ManagerOptions, servers: RunningServer[]): Promise<void> {
  const { metricsAddr, healthAddr, profilingAddr = '', metrics, readyChecks, logger } = options;
  const listen = async (what: string, starting: Promise<RunningServer | undefined>) => {
    const server = await starting;
    if (!server) return;
    servers.push(server);
    logger.info({ addr: server.address, server: what }, 'Listening');
  };
  await listen('profiling', startProfiling({ address: profilingAddr, logger }));
  await listen('health', startProbes({ address: healthAddr, checks: readyChecks }));
  if (metrics) {
    const { registry } = metrics;
    await listen('metrics', startMetricsServer({ address: metricsAddr, registry }));
  }
}

async function runParts(options: ManagerOptions & Parts, stop: AbortController): Promise<void> {
  const { client, leaderElection, logger, metrics } = options;
  const elector =
    leaderElection &&
    createLeaderElector({
      ...options,
      ...leaderElection,
      name: leaderElection.leaseName,
      onLeading: (leads) => metrics?.leader(leaderElection.leaseName, leads),
    });
  const leading = elector ? AbortSignal.any([stop.signal, elector.lost]) : stop.signal;
  const fenced = elector ? fencedClient(client, () => elector.isLeader()) : client;
  const otherLeader = () =>
    elector === undefined || elector.isLeader() ? undefined : { address: elector.leaderAddress() };
  const start = async () => {
    if (await lead(elector, stop.signal))
      await options.start({ signal: leading, client: fenced, otherLeader });
    // A part may also return once it is started.
    await whenAborted(leading);
    // What every replica does ends as well: the process has to.
    if (elector?.lost.aborted) stop.abort(elector.lost.reason);
  };
  const always = Promise.resolve(options.always?.({ signal: stop.signal, client, otherLeader }));
  // A part that fails ends all: half a service would look healthy.
  const parts = [always, start()].map((part) =>
    part.catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const ended = new AbortController();
  try {
    await Promise.race([Promise.all(parts), patience(leading, ended.signal, options)]);
    if (elector?.lost.aborted) throw elector.lost.reason;
  } finally {
    ended.abort();
    stop.abort();
    await options.flush?.().catch((error: unknown) => {
      logger.error({ error: errorMessage(error) }, 'Something was not sent before the shutdown');
    });
    await elector?.release();
  }
}

/** Returns false when the process was stopped before it came to lead. */
async function lead(elector: LeaderElector | undefined, signal: AbortSignal): Promise<boolean> {
  try {
    await elector?.acquire(signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Resolves when the parts have had their time to end, counted from the moment they were told to. */
async function patience(
  stop: AbortSignal,
  ended: AbortSignal,
  options: ManagerOptions,
): Promise<void> {
  const clock = options.clock ?? systemClock;
  await whenAborted(stop);
  try {
    await clock.sleep(options.gracefulShutdownMs, ended);
  } catch {
    return; // They ended before.
  }
  const ms = options.gracefulShutdownMs;
  options.logger.warn({ ms }, 'Parts of the service did not end in time');
}
