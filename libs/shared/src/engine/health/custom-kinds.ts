/** How the health of kinds of others is read from their status. */
export interface CustomKinds {
  group: string;
  kinds: readonly string[];
  /** Conditions that are all True of a healthy object. */
  conditions?: readonly string[];
  /** The list in the status whose entries, of which there has to be one, hold the conditions; the status itself unless told. */
  within?: string;
  /** A condition that is False stays so until somebody changes the object. */
  isFinal?: true;
  /** Values of `status.phase` of an object that is healthy, and of one that has failed. */
  phases?: { current: readonly string[]; failed: readonly string[] };
}

/**
 * Kinds that kstatus takes for healthy before their controllers have looked at them, or for good. Each row is about
 * what the documentation of its project says of the status; an expression of `healthCheckExprs` counts instead of it.
 */
export const customKinds: readonly CustomKinds[] = [
  // https://docs.flagger.app/usage/how-it-works#canary-status
  {
    group: 'flagger.app',
    kinds: ['Canary'],
    phases: { current: ['Initialized', 'Succeeded'], failed: ['Failed'] },
  },
  // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
  {
    group: 'argoproj.io',
    kinds: ['Rollout'],
    phases: { current: ['Healthy'], failed: ['Degraded'] },
  },
  // https://external-secrets.io/latest/api/spec/
  {
    group: 'external-secrets.io',
    kinds: [
      'ExternalSecret',
      'ClusterExternalSecret',
      'SecretStore',
      'ClusterSecretStore',
      'PushSecret',
    ],
    conditions: ['Ready'],
  },
  // https://github.com/bitnami-labs/sealed-secrets#status; it is read again only when it changes.
  { group: 'bitnami.com', kinds: ['SealedSecret'], conditions: ['Synced'], isFinal: true },
  // https://cert-manager.io/docs/reference/api-docs/
  {
    group: 'cert-manager.io',
    kinds: ['Certificate', 'Issuer', 'ClusterIssuer'],
    conditions: ['Ready'],
  },
  // https://gateway-api.sigs.k8s.io/reference/spec/
  {
    group: 'gateway.networking.k8s.io',
    kinds: ['GatewayClass'],
    conditions: ['Accepted'],
  },
  {
    group: 'gateway.networking.k8s.io',
    kinds: ['Gateway'],
    conditions: ['Accepted', 'Programmed'],
  },
  {
    group: 'gateway.networking.k8s.io',
    kinds: ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'],
    conditions: ['Accepted', 'ResolvedRefs'],
    within: 'parents',
  },
];

const byKind = new Map(
  customKinds.flatMap((rule) =>
    rule.kinds.map((kind): [string, CustomKinds] => [`${rule.group}/${kind}`, rule]),
  ),
);

/**
 * Returns how the health of a kind of others is read; undefined when it is read by the rules for all kinds.
 *
 * @param key `<group>/<kind>`
 */
export function customKindOf(key: string): CustomKinds | undefined {
  return byKind.get(key);
}
