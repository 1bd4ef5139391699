import { type ApplierEnvironment, applierEnvironment, applierFlags } from '@sluice/shared/applier';
import { type FlagValues, flag, parseFlags } from '@sluice/shared/base';
import { findProgram } from '@sluice/shared/cli';
import { parseFeatureGates } from '@sluice/shared/runtime';

/** All flags of the service, as Flux names them, and ours. Durations are in milliseconds. */
export const helmFlags = {
  ...applierFlags,
  'graceful-shutdown-timeout': flag.duration({
    default: 600_000,
    min: 0,
    help: 'Longest time for running work to end after a signal. What waits for objects to become ready does not count: it is taken up again at the next start.',
  }),
  'http-timeout': flag.duration({
    default: 30_000,
    min: 1000,
    help: 'Longest time without a byte in an attempt to download a chart.',
  }),
  'snapshot-digest-algo': flag.string({
    default: 'sha256',
    values: ['sha256', 'sha384', 'sha512'],
    help: 'Algorithm of the digests of releases in the status.',
  }),
  'concurrent-apply': flag.int({
    default: 4,
    min: 1,
    max: 100,
    help: 'Number of objects of one release that are applied at once.',
  }),
  'helm-renderer': flag.string({
    default: 'helm-renderer',
    help: 'Name or path of the program that renders charts.',
  }),
  'helm-memory-limit': flag.int({
    default: 512,
    min: 64,
    help: 'Memory that rendering one chart may take, in MiB.',
  }),
  'no-remote-schemas': flag.boolean({
    default: false,
    help: 'Refuse charts whose values.schema.json refers to an address, instead of reading what is there.',
  }),
  'work-path': flag.string({
    default: '/tmp/helm-controller',
    help: 'Directory for charts and renderings; it belongs to the service alone.',
  }),
  'chart-cache-size': flag.int({
    default: 256,
    min: 16,
    help: 'Charts that are kept on disk, in MiB.',
  }),
  'release-cache-size': flag.int({
    default: 32,
    min: 1,
    help: 'Decoded releases that are kept in memory, in MiB.',
  }),
  'oom-watch-interval': flag.duration({
    default: 500,
    min: 50,
    help: 'Accepted for compatibility: the memory of programs is always watched, that of the controller is bounded.',
  }),
  'oom-watch-memory-threshold': flag.int({
    default: 95,
    min: 1,
    max: 100,
    help: 'Accepted for compatibility, see --oom-watch-interval.',
  }),
  'oom-watch-max-memory-path': flag.string({
    default: '',
    help: 'Accepted for compatibility, see --oom-watch-interval.',
  }),
  'oom-watch-current-memory-path': flag.string({
    default: '',
    help: 'Accepted for compatibility, see --oom-watch-interval.',
  }),
};

/** Gates and their defaults. */
const gates = {
  AdditiveCELDependencyCheck: false,
  AllowDNSLookups: false,
  DefaultToRetryOnFailure: false,
  DisableChartDigestTracking: false,
  DisableConfigWatchers: false,
  ExternalArtifact: true,
  UseHelm3Defaults: false,
  ObjectLevelWorkloadIdentity: false,
  // Accepted for compatibility; what they switch is either always so or does not exist here.
  AdoptLegacyReleases: false,
  CacheSecretsAndConfigMaps: false,
  CancelHealthCheckOnNewRevision: true,
  CorrectDrift: false,
  DetectDrift: false,
  DirectSourceFetch: false,
  OOMWatch: false,
};

export type GateName = keyof typeof gates;

/** Everything that is configured from outside. */
export interface HelmConfig extends ApplierEnvironment {
  flags: FlagValues<typeof helmFlags>;
  gates: Record<GateName, boolean>;
}

/**
 * Reads the flags and the environment.
 *
 * @throws FlagError naming the flag and the fix
 */
export function readConfig(
  argv: readonly string[],
  env: Record<string, string | undefined>,
): HelmConfig {
  const flags = parseFlags(helmFlags, argv, env);
  const programs = {
    'helm-renderer': findProgram(flags['helm-renderer'], env['PATH']),
    'kustomize-builder': findProgram(flags['kustomize-builder'], env['PATH']),
  };
  return {
    ...applierEnvironment(flags, env),
    flags: { ...flags, ...programs },
    gates: parseFeatureGates(flags['feature-gates'], gates),
  };
}
