import { FlagError, type FlagValues, flag, parseFlags } from '@sluice/shared/base';
import { type CloudEnvironment, checkIdentityFlags, cloudEnvironment } from '@sluice/shared/cloud';
import { commonFlags, parseFeatureGates, readAuthentication } from '@sluice/shared/runtime';

const {
  'watch-label-selector': _,
  'interval-jitter-percentage': __,
  'events-token-file': ___,
  ...sharedFlags
} = commonFlags;
const hourMs = 60 * 60_000;

/** Flags of notification-controller. Durations are in milliseconds. */
export const flags = {
  ...sharedFlags,
  'events-addr': flag.string({
    default: ':9090',
    env: 'EVENTS_ADDR',
    help: 'Address at which events are accepted over HTTP; 0 for none.',
  }),
  'event-authentication': flag.string({
    default: 'none',
    values: ['none', 'token'],
    help: 'Who may post events: anybody (none), or with a service account token the accounts of --event-senders (token).',
  }),
  'event-audience': flag.string({
    default: 'notification-controller',
    help: 'Audience for which the tokens of --event-authentication=token have to be made.',
  }),
  'event-senders': flag.list({
    default: [],
    help: 'Service accounts that may post events with --event-authentication=token, as namespace:name.',
  }),
  receiverAddr: flag.string({
    default: ':9292',
    help: 'Address at which webhooks of Receivers are accepted; 0 for none.',
  }),
  'gcr-keys-url': flag.string({
    default: 'https://www.googleapis.com/oauth2/v3/certs',
    help: 'Address of the keys with which Google signs the tokens that Receivers of type gcr are called with.',
  }),
  'allow-wildcard-namespaces': flag.boolean({
    default: false,
    help: "Let Alerts choose sources of every namespace, by '*' as the namespace.",
  }),
  'rate-limit-interval': flag.duration({
    default: 5 * 60_000,
    min: 0,
    max: 24 * hourMs,
    help: 'Time after a delivery during which repetitions of the event are not delivered.',
  }),
  'export-http-path-metrics': flag.boolean({
    default: false,
    help: 'Label HTTP metrics with the path of the request; paths of Receivers are secrets.',
  }),
  'delivery-min-retry-delay': flag.duration({
    default: 2_000,
    min: 1,
    help: 'Delay before the second attempt of a delivery; it doubles with each further one.',
  }),
  'delivery-max-retry-delay': flag.duration({
    default: 5 * 60_000,
    min: 1,
    help: 'Longest delay between the attempts of a delivery.',
  }),
  'delivery-give-up-after': flag.duration({
    default: hourMs,
    min: 0,
    help: 'Time after which a delivery that still fails goes to the dead letters.',
  }),
  'incident-check-interval': flag.duration({
    default: 60_000,
    min: 0,
    help: 'How often objects that failed are read, to end alerts about those that are well or gone without an event; 0 for never.',
  }),
  'nats-stream-replicas': flag.int({
    default: 1,
    min: 1,
    max: 5,
    help: 'Replicas of the NATS streams; streams with fewer are raised to it.',
  }),
  'nats-artifacts-max-size': flag.int({
    default: 0,
    min: 0,
    help: 'Most bytes of the bucket of NATS in which source-controller and source-watcher keep artifacts with --storage-backend=nats; 0 to make none.',
  }),
  'nats-audit-max-size': flag.int({
    default: 256 * 1024 * 1024,
    min: 1024 * 1024,
    help: 'Most bytes of the audit trail in NATS. When it is full, new records wait with the controllers that make them.',
  }),
  'outbox-max-bytes': flag.int({
    default: 64 * 1024 * 1024,
    min: 1024 * 1024,
    help: 'Bytes that wait on disk; beyond that, the oldest informational events are dropped first.',
  }),
  'graceful-shutdown-timeout': flag.duration({
    default: 20_000,
    min: 0,
    help: 'Time that running deliveries get to finish on shutdown.',
  }),
};

/** Feature gates, with their defaults. */
const gates = {
  ObjectLevelWorkloadIdentity: false,
  // Accepted for compatibility; what they switch is either always so or does not exist here.
  CacheSecretsAndConfigMaps: false,
  DisableConfigWatchers: false,
};

export interface Config extends FlagValues<typeof flags> {
  /** Users that may post events; undefined: anybody may. */
  eventSenders?: ReadonlySet<string>;
  /** Namespace of this pod. */
  runtimeNamespace: string;
  /** As whom the controller itself logs in to clouds. */
  cloud: CloudEnvironment;
  gates: Record<keyof typeof gates, boolean>;
}

/**
 * Reads flags and environment.
 *
 * @throws FlagError that names the flag and the fix
 */
export function readConfig(
  argv: readonly string[],
  env: Record<string, string | undefined>,
): Config {
  const values = parseFlags(flags, argv, env);
  if (values['delivery-min-retry-delay'] > values['delivery-max-retry-delay']) {
    throw new FlagError(
      '--delivery-min-retry-delay must not be longer than --delivery-max-retry-delay',
    );
  }
  if (!/^https?:$/.test(URL.parse(values['gcr-keys-url'])?.protocol ?? '')) {
    throw new FlagError('--gcr-keys-url must be an HTTP or HTTPS address');
  }
  if (values['nats-artifacts-max-size'] > 0 && values['nats-url'] === '') {
    throw new FlagError(
      '--nats-artifacts-max-size makes a bucket in NATS: give --nats-url, or leave it out',
    );
  }
  const enabled = parseFeatureGates(values['feature-gates'], gates);
  checkIdentityFlags(values, enabled.ObjectLevelWorkloadIdentity);
  return {
    ...values,
    cloud: cloudEnvironment(env),
    gates: enabled,
    eventSenders: eventSenders(values),
    runtimeNamespace: env['RUNTIME_NAMESPACE'] || 'flux-system',
  };
}

function eventSenders(values: FlagValues<typeof flags>): ReadonlySet<string> | undefined {
  return readAuthentication(
    {
      mode: values['event-authentication'],
      audience: values['event-audience'],
      accounts: values['event-senders'],
    },
    { mode: 'event-authentication', audience: 'event-audience', accounts: 'event-senders' },
  );
}
