import { rules } from './monitoring.ts';
import {
  choice,
  group,
  object,
  objects,
  text,
  textList,
  texts,
  toggle,
  type ValueTree,
} from './node.ts';

const namespaceName = { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 };

const peers = 'peers of a NetworkPolicy; empty for nobody';

/** Drops the samples of pods that have ended, which keep their labels for a while. */
const podMetricsEndpoints = [
  {
    port: 'http-prom',
    relabelings: [
      { sourceLabels: ['__meta_kubernetes_pod_phase'], action: 'keep', regex: 'Running' },
    ],
  },
];

const policies = group('NetworkPolicies.', {
  create: toggle(
    true,
    'Create NetworkPolicies: each port takes traffic from those alone who need it.',
  ),
  metricsFrom: objects(`Who may read metrics (8080): ${peers}.`, [{ namespaceSelector: {} }]),
  artifactsFrom: objects(
    `Who else may download artifacts (9090 of source-controller and source-watcher) besides the controllers of the namespace: ${peers}.`,
  ),
  eventsFrom: objects(
    `Who else may post events (9090 of notification-controller) besides the controllers of the namespace: ${peers}.`,
  ),
  webhooksFrom: objects(`Who may call webhooks (9292 of notification-controller): ${peers}.`, [
    { namespaceSelector: {} },
    { ipBlock: { cidr: '0.0.0.0/0' } },
    { ipBlock: { cidr: '::/0' } },
  ]),
});

const rbac = group('Roles and their bindings.', {
  create: toggle(true, 'Create the roles of the controllers and their bindings.'),
  createAggregation: toggle(
    true,
    'Add the kinds to the roles view, edit and admin of the cluster, by the roles flux-view and flux-edit.',
  ),
  annotations: texts('Annotations of roles and bindings.'),
  roleRef: group(
    'The role with which kustomize-controller and helm-controller apply, unless they impersonate only.',
    { name: text('cluster-admin', 'Name of a ClusterRole.') },
  ),
});

const accountList = (which: string) =>
  textList(`${which}, as namespace:name.`, {
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?:[a-z0-9]([-.a-z0-9]*[a-z0-9])?$',
  });

const eventAuthentication = group('How notification-controller knows who posts events over HTTP.', {
  mode: choice(
    'auto',
    ['auto', 'always', 'never'],
    'Whether events are taken from the controllers of the namespace alone, which show a token of their ServiceAccount; auto: when the umbrella installs all four controllers, for all namespaces. Controllers of Flux show none: never, where they post events.',
  ),
  audience: text('notification-controller', 'Audience of the tokens.', { minLength: 1 }),
  senders: accountList('More ServiceAccounts that may post events'),
});

const artifactAuthentication = group('How artifacts are kept from those who are no controllers.', {
  mode: choice(
    'auto',
    ['auto', 'always', 'never'],
    'Whether artifacts are served to the controllers of the namespace alone, which show a token of their ServiceAccount; auto: when the umbrella installs all four controllers, for all namespaces, and policies.artifactsFrom lets nobody else in. Controllers of Flux, and other programs that download artifacts, show none: never, where they do.',
  ),
  audience: text('source-controller', 'Audience of the tokens.', { minLength: 1 }),
  readers: accountList('More ServiceAccounts that may download artifacts'),
  hosts: textList(
    'More hosts that are shown the token, besides those of source-controller and source-watcher of the namespace, as in the addresses of their artifacts.',
    { pattern: '^[A-Za-z0-9.-]+(:[0-9]+)?$' },
  ),
});

/** Values that hold for all controllers of an installation. In the umbrella they stand at the top. */
export const installWide: ValueTree = {
  installCRDs: toggle(true, 'Install and upgrade the custom resource definitions.'),
  crds: group('The custom resource definitions.', {
    keep: toggle(
      true,
      'Keep the definitions, and so all objects, when the release is uninstalled or installCRDs is switched off.',
    ),
    annotations: texts('Annotations of the definitions.'),
  }),
  multitenancy: group('Several tenants in one cluster.', {
    enabled: toggle(
      false,
      'Lock tenants down: no references to other namespaces, no remote bases, no connections to denyAddresses, and everything is applied as an account of the tenant.',
    ),
    defaultServiceAccount: text(
      'default',
      'ServiceAccount, in the namespace of the object, of Kustomizations and HelmReleases that name none.',
    ),
    privileged: toggle(
      false,
      'Give kustomize-controller and helm-controller rbac.roleRef also when tenants are locked down. Without it they can do nothing but impersonate ServiceAccounts.',
    ),
    tenantNamespaces: textList(
      'Namespaces of which kustomize-controller and helm-controller may impersonate accounts; empty for all. Name that of the release for Kustomizations of your own. Others get a RoleBinding to the ClusterRoles `<controller>-impersonator-<namespace of the release>`.',
      namespaceName,
    ),
    admission: group(
      'ValidatingAdmissionPolicies for locked-down tenants: what the controllers would refuse, and what they could not, is refused when it is stored.',
      {
        create: toggle(
          true,
          'Create the policies with their bindings, when tenants are locked down and all namespaces are watched.',
        ),
        exemptNamespaces: textList(
          'Namespaces in which the policies refuse nothing.',
          namespaceName,
        ),
        remoteClusters: toggle(true, 'Let tenants apply to other clusters with spec.kubeConfig.'),
      },
    ),
    watchRole: text(
      'view',
      'ClusterRole with which kustomize-controller and helm-controller watch what tenants have applied, for drift and health. What it does not show, or everything when empty, is watched as the accounts of tenants, as far as they may.',
    ),
    denyAddresses: {
      description:
        'Ranges and classes of addresses that objects of locked-down tenants may not have the controllers connect to (--deny-addresses), besides those that are always refused.',
      default: ['private'],
      schema: { type: 'array', items: { type: 'string' } },
    },
    allowAddresses: {
      description:
        'Ranges and classes of addresses that they may connect to all the same (--allow-addresses), such as those of Git servers in the own network.',
      default: [],
      schema: { type: 'array', items: { type: 'string' } },
    },
  }),
  clusterDomain: text('cluster.local', 'Domain of the Services of the cluster.'),
  logLevel: choice(
    'info',
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'Least important level that is logged.',
  ),
  watchAllNamespaces: toggle(
    true,
    'Watch the objects of all namespaces; otherwise those of the namespace of the release, with Roles instead of ClusterRoles.',
  ),
  imagePullSecrets: {
    description: 'Secrets with logins to the registry of the images, as a list of {name}.',
    default: [],
    schema: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: { type: 'string' } },
        required: ['name'],
        additionalProperties: false,
      },
    },
  },
  policies,
  rbac,
  eventAuthentication,
  artifactAuthentication,
  windows: group('Times in which changes are applied, or are not: objects of the kind Window.', {
    clusterNamespace: text(
      '',
      'Namespace whose Windows are for Kustomizations and HelmReleases of every namespace (--cluster-windows-namespace); empty for none. Nobody but administrators should write there.',
      // Nothing, or the name of a namespace.
      { pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$', maxLength: 63 },
    ),
  }),
  approvals: group('Decisions about plans: objects of the kind Approval.', {
    webhookAccounts: textList(
      'Names of the ServiceAccounts, of whichever namespace, as which notification-controller may act for spec.decisions of Receivers: the verb impersonate on these serviceaccounts; empty for none. Give accounts of these names the right to create Approvals, and no other.',
      { pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$', maxLength: 253 },
    ),
    verifyUser: toggle(
      true,
      'Have the API server refuse Approvals that name another user than the one who makes them, by a ValidatingAdmissionPolicy; needs watchAllNamespaces.',
    ),
  }),
  artifactPinning: group('Artifacts that are still needed although newer ones exist.', {
    enabled: toggle(
      false,
      'Have Kustomizations and HelmReleases name the artifact that was last applied with success, and source-controller and source-watcher keep it until another one is; they watch both kinds then.',
    ),
  }),
  prometheus: group('Monitoring.', {
    podMonitor: group('PodMonitors of the Prometheus operator.', {
      create: toggle(false, 'Create a PodMonitor for each controller.'),
      podMetricsEndpoints: objects('Endpoints that are scraped.', podMetricsEndpoints),
      additionalLabels: texts(
        'More labels of the PodMonitors, by which a Prometheus selects them.',
      ),
    }),
    rules,
  }),
  tracing: group('Traces.', {
    otlpEndpoint: text(
      '',
      'URL of an OpenTelemetry collector (OTLP over HTTP); empty for no traces.',
    ),
  }),
  sharding: group(
    'Shards: more source-, kustomize- and helm-controllers and source-watchers, each for the objects with its label.',
    {
      key: text('sharding.fluxcd.io/key', 'Label whose value names the shard of an object.'),
      shards: textList(
        'Names of the shards. The controllers without a suffix take what has no label.',
        {
          pattern: '^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$',
        },
      ),
    },
  ),
  commonLabels: texts('More labels of all objects.'),
};

/** Values of the umbrella that no controller has. */
export const extraObjects = {
  extraObjects: objects('More objects to install; templates in them are rendered.'),
};

/** Group of values that flux2's chart has for a controller that does not exist here. */
export function absentController(name: string) {
  return group(`Accepted for values of the flux2 chart: there is no ${name} here.`, {
    create: {
      description: 'Only false is accepted.',
      default: false,
      schema: { type: 'boolean', const: false },
    },
  });
}

/** Resources of containers, whose form is that of Kubernetes. */
export const resourcesValue = (
  limits: { [key: string]: string },
  requests: { [key: string]: string },
) => object('Requests and limits of the container.', { requests, limits });
