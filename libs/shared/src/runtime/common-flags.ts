import { FlagError, flag } from '@sluice/shared/base';
import { networkFlags } from '@sluice/shared/net';

/** Flags of every service, as Flux names them and with Flux's defaults. Durations are in milliseconds. */
const fluxFlags = {
  'metrics-addr': flag.string({
    default: ':8080',
    env: 'METRICS_ADDR',
    help: 'Address of the metrics endpoint; 0 for none.',
  }),
  'health-addr': flag.string({
    default: ':9440',
    help: 'Address of the health endpoints; 0 for none.',
  }),
  'events-addr': flag.string({
    default: '',
    env: 'EVENTS_ADDR',
    help: 'URL of the notification-controller that receives events over HTTP; used when there is no NATS server.',
  }),
  concurrent: flag.int({
    default: 4,
    min: 1,
    max: 1000,
    help: 'Number of reconciles of each kind that run at once for one namespace; one more runs for others.',
  }),
  'watch-all-namespaces': flag.boolean({
    default: true,
    help: 'Watch the objects of all namespaces instead of those in the own namespace.',
  }),
  'watch-label-selector': flag.string({
    default: '',
    help: 'Label selector of the objects to watch; the objects of one shard.',
  }),
  'watch-configs-label-selector': flag.string({
    default: 'reconcile.fluxcd.io/watch=Enabled',
    help: 'Label selector of the ConfigMaps and Secrets whose changes start a reconcile.',
  }),
  'log-level': flag.string({
    default: 'info',
    values: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    help: 'Least important level that is logged.',
  }),
  'log-encoding': flag.string({
    default: 'json',
    values: ['json', 'console'],
    help: 'Format of the log. Lines are JSON whatever the value, which is accepted for compatibility.',
  }),
  'kube-api-qps': flag.int({
    default: 50,
    min: 1,
    help: 'Requests to the API server a second; ignored when the server controls the flow.',
  }),
  'kube-api-burst': flag.int({
    default: 300,
    min: 1,
    help: 'Requests to the API server at once; ignored when the server controls the flow.',
  }),
  'min-retry-delay': flag.duration({
    default: 750,
    min: 1,
    help: 'Delay of the first retry of a failed reconcile.',
  }),
  'max-retry-delay': flag.duration({
    default: 900_000,
    min: 1,
    help: 'Longest delay of a retry of a failed reconcile.',
  }),
  'interval-jitter-percentage': flag.int({
    default: 5,
    min: 0,
    max: 100,
    help: 'Percentage by which intervals vary, so that objects do not reconcile all at once.',
  }),
  'feature-gates': flag.list({
    default: [],
    help: 'Features to switch on or off, as Name=true or Name=false.',
  }),
  'token-cache-max-size': flag.int({
    default: 100,
    min: 0,
    help: 'Number of access tokens kept; 0 keeps none.',
  }),
  'token-cache-max-duration': flag.duration({
    default: 3_600_000,
    min: 0,
    help: 'Longest time an access token is kept.',
  }),
  'default-service-account': flag.string({
    default: '',
    help: 'Service account of objects that name none.',
  }),
  'no-cross-namespace-refs': flag.boolean({
    default: false,
    help: 'Refuse references to objects in other namespaces.',
  }),
};

/** Flags of the election among the replicas of a service. */
const leaderElectionFlags = {
  'enable-leader-election': flag.boolean({
    default: false,
    help: 'Let one replica at a time work, elected by a Lease.',
  }),
  'leader-election-release-on-cancel': flag.boolean({
    default: true,
    help: 'Give the Lease back on shutdown, so that another replica takes over at once.',
  }),
  'leader-election-lease-duration': flag.duration({
    default: 35_000,
    min: 1_000,
    help: 'Time without renewal after which another replica may lead.',
  }),
  'leader-election-renew-deadline': flag.duration({
    default: 30_000,
    min: 1_000,
    help: 'Time without successful renewal after which the leader gives up and exits.',
  }),
  'leader-election-retry-period': flag.duration({
    default: 5_000,
    min: 100,
    help: 'Time between two tries to get or renew the Lease.',
  }),
};

/** Flags that Flux does not have. */
const sluiceFlags = {
  'least-interval': flag.duration({
    default: 1000,
    min: 0,
    help: 'Least time between two reconciles of an object, whatever smaller spec.interval or retryInterval it has.',
  }),
  ...networkFlags,
  'events-token-file': flag.string({
    default: '',
    help: 'File with the service account token to send with events to --events-addr, read at each of them; empty for none.',
  }),
  'nats-url': flag.string({
    default: '',
    help: 'URL of the NATS server; empty to do without, with events over HTTP.',
  }),
  'nats-user': flag.string({
    default: '',
    help: 'User that logs in to the NATS server with the password of --nats-password-file.',
  }),
  'nats-password-file': flag.string({
    default: '',
    help: 'File with the password of --nats-user, read at each connection.',
  }),
  'nats-creds-file': flag.string({ default: '', help: 'File with the NATS credentials.' }),
  'nats-nkey-file': flag.string({ default: '', help: 'File with the NATS NKey seed.' }),
  'nats-tls-ca-file': flag.string({
    default: '',
    help: 'File with the certificate authorities of the NATS server.',
  }),
  'nats-tls-cert-file': flag.string({
    default: '',
    help: 'File with the client certificate for the NATS server.',
  }),
  'nats-tls-key-file': flag.string({
    default: '',
    help: 'File with the private key of the client certificate for the NATS server.',
  }),
  'nats-prefix': flag.string({
    default: 'sluice',
    help: 'First token of the NATS subjects, in capitals of the stream names.',
  }),
  'outbox-path': flag.string({
    default: '/tmp/outbox',
    help: 'Directory where events are kept until the NATS server has them.',
  }),
  'otlp-endpoint': flag.string({
    default: '',
    help: 'URL of the OpenTelemetry collector that receives traces over HTTP; empty for no traces.',
  }),
  'profiling-addr': flag.string({
    default: '',
    help: 'Address at which CPU profiles and heap snapshots are served, such as 127.0.0.1:6060; empty for none. Whoever reaches it can read secrets.',
  }),
  kubeconfig: flag.string({
    default: '',
    env: 'KUBECONFIG',
    help: 'Kubeconfig file; empty for the service account of the pod.',
  }),
  'kube-context': flag.string({
    default: '',
    help: 'Context of the kubeconfig; empty for the current one.',
  }),
};

/** Flags that the services have in common. A service spreads them and adds, replaces or removes its own. */
export const commonFlags = { ...fluxFlags, ...leaderElectionFlags, ...sluiceFlags };

/**
 * Reads the values of `--feature-gates`.
 *
 * @param known the gates of the service with their defaults
 * @throws FlagError for an unknown gate or a value other than true and false
 */
export function parseFeatureGates<G extends string>(
  values: readonly string[],
  known: Readonly<Record<G, boolean>>,
): Record<G, boolean> {
  const gates: Record<string, boolean> = { ...known };
  for (const value of values) {
    const [name = '', state] = value.split('=', 2);
    if (!Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(', ') || 'none';
      throw new FlagError(`--feature-gates: there is no gate '${name}'; there are: ${names}`);
    }
    if (state !== 'true' && state !== 'false') {
      throw new FlagError(`--feature-gates: '${value}' must be ${name}=true or ${name}=false`);
    }
    gates[name] = state === 'true';
  }
  return gates;
}

/** The values of the leader election flags, in milliseconds. */
export interface LeaderElectionSettings {
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
  releaseOnCancel: boolean;
}

/**
 * Reads the leader election flags.
 *
 * @returns undefined when the election is switched off
 * @throws FlagError when the times contradict each other
 */
export function leaderElectionSettings(values: {
  'enable-leader-election': boolean;
  'leader-election-release-on-cancel': boolean;
  'leader-election-lease-duration': number;
  'leader-election-renew-deadline': number;
  'leader-election-retry-period': number;
}): LeaderElectionSettings | undefined {
  if (!values['enable-leader-election']) return undefined;
  const leaseDurationMs = values['leader-election-lease-duration'];
  const renewDeadlineMs = values['leader-election-renew-deadline'];
  const retryPeriodMs = values['leader-election-retry-period'];
  if (renewDeadlineMs >= leaseDurationMs) {
    throw new FlagError(
      '--leader-election-renew-deadline must be shorter than --leader-election-lease-duration',
    );
  }
  if (retryPeriodMs * 1.2 >= renewDeadlineMs) {
    throw new FlagError(
      '--leader-election-renew-deadline must be more than 1.2 times --leader-election-retry-period',
    );
  }
  const releaseOnCancel = values['leader-election-release-on-cancel'];
  return { leaseDurationMs, renewDeadlineMs, retryPeriodMs, releaseOnCancel };
}
