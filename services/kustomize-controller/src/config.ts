import { type ApplierEnvironment, applierEnvironment, applierFlags } from '@sluice/shared/applier';
import { type FlagValues, flag, parseFlags } from '@sluice/shared/base';
import { findProgram } from '@sluice/shared/cli';
import { parseFeatureGates } from '@sluice/shared/runtime';

/** All flags of the service, as Flux names them, and ours. Durations are in milliseconds. */
export const kustomizeFlags = {
  ...applierFlags,
  'concurrent-ssa': flag.int({
    default: 4,
    min: 1,
    max: 100,
    help: 'Number of objects of one Kustomization that are applied at once.',
  }),
  'least-timeout': flag.duration({
    default: 30_000,
    min: 1,
    help: 'What a shorter spec.timeout of a Kustomization counts as.',
  }),
  'no-remote-bases': flag.boolean({
    default: false,
    help: 'Refuse kustomization files that refer to something outside of the artifact.',
  }),
  'default-decryption-service-account': flag.string({
    default: '',
    help: 'ServiceAccount in the namespace of a Kustomization whose identity logs in to key services when spec.decryption names none; needs the feature gate ObjectLevelWorkloadIdentity.',
  }),
  'sops-age-secret': flag.string({
    default: '',
    help: 'Secret in the namespace of the controller with age keys, for Kustomizations whose spec.decryption names none.',
  }),
  'sops-vault-configmap': flag.string({
    default: '',
    help: 'ConfigMap in the namespace of the controller with the addresses of OpenBao and Vault at which ServiceAccounts may log in for decryption, and the path of the login at each.',
  }),
  'sops-binary': flag.string({ default: 'sops', help: 'Name or path of the sops program.' }),
  'custom-apply-stage-kinds': flag.list({
    default: [],
    help: 'Kinds that are applied and established before all others but definitions, as Kind or group/Kind.',
  }),
  'work-path': flag.string({
    default: '/tmp/kustomize-controller',
    help: 'Directory for unpacked artifacts and builds; it belongs to the service alone.',
  }),
  'artifact-cache-size': flag.int({
    default: 512,
    min: 16,
    help: 'Unpacked artifacts that are kept on disk, in MiB.',
  }),
  'build-cache-size': flag.int({
    default: 32,
    min: 1,
    help: 'Built objects that are kept in memory, in MiB.',
  }),
};

/** Gates and their defaults. */
const gates = {
  StrictPostBuildSubstitutions: true,
  ExternalArtifact: true,
  AdditiveCELDependencyCheck: false,
  DisableConfigWatchers: false,
  DisableFailFastBehavior: false,
  ObjectLevelWorkloadIdentity: false,
  // Accepted for compatibility; what they switch is either always so or does not exist here.
  DisableStatusPollerCache: true,
  CancelHealthCheckOnNewRevision: true,
  GroupChangeLog: false,
  MigrateAPIVersion: false,
  DirectSourceFetch: false,
  CacheSecretsAndConfigMaps: false,
};

export type GateName = keyof typeof gates;

/** Everything that is configured from outside. */
export interface KustomizeConfig extends ApplierEnvironment {
  flags: FlagValues<typeof kustomizeFlags>;
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
): KustomizeConfig {
  const flags = parseFlags(kustomizeFlags, argv, env);
  const programs = {
    'kustomize-builder': findProgram(flags['kustomize-builder'], env['PATH']),
    'sops-binary': findProgram(flags['sops-binary'], env['PATH']),
  };
  return {
    ...applierEnvironment(flags, env),
    flags: { ...flags, ...programs },
    gates: parseFeatureGates(flags['feature-gates'], gates),
  };
}
