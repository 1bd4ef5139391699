import {
  createLogger,
  errorMessage,
  type FlagSpecs,
  type FlagValues,
  formatHelp,
  type Logger,
} from '@sluice/shared/base';
import { type Bus, connectBus, streamsOwnedBy } from '@sluice/shared/bus';
import { createKubeClient, type KubeClient, loadKubeConfig } from '@sluice/shared/kube';
import {
  type commonFlags,
  createMetrics,
  initTracing,
  leaderElectionSettings,
  leaseName,
  type ManagerContext,
  type Metrics,
  type ReadyCheck,
  runManager,
} from '@sluice/shared/runtime';
import { Gauge } from 'prom-client';

/** The flags that every service has, whatever others it leaves out. */
export type ServiceFlags = Omit<
  FlagValues<typeof commonFlags>,
  | 'watch-label-selector'
  | 'events-token-file'
  | 'nats-stream-replicas'
  | 'watch-configs-label-selector'
  | 'interval-jitter-percentage'
  | 'token-cache-max-size'
  | 'token-cache-max-duration'
  | 'default-service-account'
  | 'no-cross-namespace-refs'
> & {
  'watch-label-selector'?: string;
  'events-token-file'?: string;
  'nats-stream-replicas'?: number;
  'nats-audit-max-size'?: number;
};

/** The doors of a service to the world. */
export interface ServiceDoors {
  name: string;
  flags: ServiceFlags;
  logger: Logger;
  metrics: Metrics;
  /** Does not know of the leadership; what runs as the leader gets a client that does. */
  client: KubeClient;
  /** Undefined without `--nats-url`. */
  bus?: Bus;
}

/** What a service does with its doors. */
export interface ServiceParts {
  /** Runs while this process leads. */
  start(context: ManagerContext): Promise<void>;
  /** Runs in every replica. */
  always?(context: ManagerContext): Promise<void>;
  /** What the other replicas are told of where this one serves while it leads, as `host:port`. */
  servedAt?(): string | undefined;
  readyChecks?: Record<string, ReadyCheck>;
  /** Sends what is left after everything has ended; bounded in time. */
  flush?(): Promise<void>;
  /** Frees what the parts hold, before the doors close. */
  close?(): Promise<void>;
}

export interface ServiceOptions {
  /** Such as `source-controller`. */
  name: string;
  flags: ServiceFlags;
  /** Namespace of this pod, where the Lease is. */
  namespace: string;
  /** Time that running work gets to end after a signal, in milliseconds. */
  gracefulShutdownMs: number;
  build(doors: ServiceDoors): ServiceParts;
}

/**
 * Runs a service until it is told to end: opens its doors, runs its parts, and closes everything again.
 *
 * @throws Error what a part threw, when the kubeconfig cannot be used, or when the leadership is lost
 */
export async function runService(o: ServiceOptions): Promise<void> {
  const { name, flags, namespace } = o;
  const logger = createLogger({ level: flags['log-level'], name });
  const tracing = await initTracing({ serviceName: name, endpoint: flags['otlp-endpoint'] });
  const doors = openDoors(name, flags, logger);
  const parts = o.build(doors);
  const election = leaderElectionSettings(flags);
  try {
    await runManager({
      ...doors,
      ...parts,
      readyChecks: { ...parts.readyChecks, current: doors.metrics.watches.check },
      leaderElection: election && {
        ...election,
        namespace,
        leaseName: leaseName(name, flags['watch-label-selector']),
      },
      metricsAddr: flags['metrics-addr'],
      healthAddr: flags['health-addr'],
      profilingAddr: flags['profiling-addr'],
      gracefulShutdownMs: o.gracefulShutdownMs,
    });
  } finally {
    await parts.close?.();
    await doors.bus?.close();
    await doors.client.close();
    await tracing.shutdown();
  }
}

/** A program and its flags. */
export interface Program {
  /** Such as `source-controller`. */
  name: string;
  flags: FlagSpecs;
  /** @param argv the arguments, without those of Node */
  run(argv: readonly string[]): Promise<void>;
}

/**
 * Runs the program, or prints its flags for `--help`, and ends the process: with 0 when all went well, with 1 and the
 * reason otherwise.
 */
export async function runProgram({ name, flags, run }: Program): Promise<never> {
  try {
    const argv = process.argv.slice(2);
    if (argv.includes('--help') || argv.includes('-h'))
      process.stdout.write(formatHelp(name, flags));
    else await run(argv);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${name}: ${errorMessage(error)}\n`);
    // Something may still hang, for instance after the leadership was lost; nothing of it may go on.
    process.exit(1);
  }
}

function openDoors(name: string, flags: ServiceFlags, logger: Logger): ServiceDoors {
  const metrics = createMetrics(name);
  const kubeConfig = loadKubeConfig({
    path: flags.kubeconfig || undefined,
    context: flags['kube-context'] || undefined,
  });
  const client = createKubeClient(kubeConfig, {
    qps: flags['kube-api-qps'],
    burst: flags['kube-api-burst'],
    userAgent: name,
    onRequest: metrics.apiRequest,
    logger,
  });
  const bus = openBus(name, flags, logger);
  if (bus !== undefined) measureBus(metrics, bus);
  return { name, flags, logger, metrics, client, bus };
}

function measureBus({ registry }: Metrics, bus: Bus): void {
  new Gauge({
    name: 'sluice_nats_connected',
    help: 'Whether NATS can be used: 1, or 0 when it is away or, for notification-controller, its streams are missing.',
    registers: [registry],
    collect() {
      this.set(bus.status().ready ? 1 : 0);
    },
  });
}

function openBus(name: string, flags: ServiceFlags, logger: Logger): Bus | undefined {
  if (flags['nats-url'] === '') return undefined;
  return connectBus({
    url: flags['nats-url'],
    prefix: flags['nats-prefix'],
    name,
    owns: streamsOwnedBy(name),
    replicas: flags['nats-stream-replicas'],
    maxBytes: { audit: flags['nats-audit-max-size'] },
    user: flags['nats-user'] || undefined,
    passwordFile: flags['nats-password-file'] || undefined,
    credsFile: flags['nats-creds-file'] || undefined,
    nkeyFile: flags['nats-nkey-file'] || undefined,
    tls: {
      caFile: flags['nats-tls-ca-file'] || undefined,
      certFile: flags['nats-tls-cert-file'] || undefined,
      keyFile: flags['nats-tls-key-file'] || undefined,
    },
    logger,
  });
}
