import type { FlagSpecs } from '@sluice/shared/base';
import { flagsValue } from './flags.ts';
import { resourcesValue } from './install-wide.ts';
import { natsClient, persistence } from './nats.ts';
import {
  choice,
  count,
  group,
  object,
  objects,
  quantity,
  text,
  texts,
  toggle,
  type Value,
  type ValueTree,
} from './node.ts';

/** What differs between the values of the controllers. */
export interface ControllerTraits {
  name: string;
  flags: FlagSpecs;
  requests: { [key: string]: string };
  limits: { [key: string]: string };
  /** Size of /tmp: what is unpacked and built there. */
  tmp: string;
  /** Seconds for what runs to end. */
  gracePeriod: number;
  leaderElection: 'auto' | 'always';
  /** The umbrella installs it only when told. */
  optional?: boolean;
  more?: ValueTree;
}

const podAnnotations = { 'prometheus.io/port': '8080', 'prometheus.io/scrape': 'true' };

const podSecurityContext = { fsGroup: 1337 };

const securityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65534,
  runAsGroup: 65534,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A Service's labels and annotations. */
export function serviceValue(what: string): Value {
  return group(what, {
    labels: texts('More labels of the Service.'),
    annotations: texts('Annotations of the Service.'),
  });
}

function image({ name, optional = false }: ControllerTraits): ValueTree {
  return {
    create: toggle(
      !optional,
      'Whether the umbrella installs this controller; read by the umbrella only.',
    ),
    image: text(
      `sluice/${name}`,
      'Repository of the image. Its last part has to be the name of the controller.',
    ),
    tag: text(
      '',
      'Tag of the image, which may be followed by @ and a digest; empty for that of the chart.',
    ),
    imagePullPolicy: choice(
      '',
      ['', 'Always', 'IfNotPresent', 'Never'],
      'When the image is pulled.',
    ),
  };
}

function pod(traits: ControllerTraits): ValueTree {
  return {
    resources: resourcesValue(traits.limits, traits.requests),
    priorityClassName: text('', 'PriorityClass of the pods.'),
    annotations: texts('Annotations of the pods.', podAnnotations),
    labels: texts('More labels of the Deployment and its pods.'),
    container: group('The container.', {
      additionalArgs: {
        description: 'More arguments; they come last, so that they win.',
        default: [],
        schema: { type: 'array', items: { type: 'string', pattern: '^--?[A-Za-z]' } },
      },
    }),
    extraEnv: objects('More environment variables, such as HTTPS_PROXY.'),
    volumes: objects('More volumes.'),
    volumeMounts: objects('More mounts of volumes.'),
    podSecurityContext: object('Security context of the pod.', podSecurityContext),
    securityContext: object('Security context of the container.', securityContext),
    nodeSelector: texts('Labels of the nodes to run on.'),
    affinity: object('Affinity of the pods.'),
    tolerations: objects('Tolerations of the pods.'),
    topologySpreadConstraints: objects(
      'How the pods spread; one without labelSelector gets that of the pods.',
    ),
    terminationGracePeriodSeconds: count(
      traits.gracePeriod,
      'Time for what runs to end, in seconds.',
      1,
    ),
    revisionHistoryLimit: count(3, 'Old ReplicaSets that are kept.'),
    tmp: group('The volume at /tmp.', {
      sizeLimit: text(traits.tmp, 'Size at which the pod is evicted.', quantity),
    }),
  };
}

function availability(traits: ControllerTraits): ValueTree {
  return {
    replicas: count(1, 'Replicas, of which one reconciles.'),
    leaderElection: choice(
      traits.leaderElection,
      ['auto', 'always', 'never'],
      'Whether replicas elect one that reconciles; auto: when there are several.',
    ),
    podDisruptionBudget: group('Budget for voluntary disruptions.', {
      create: toggle(true, 'Create a PodDisruptionBudget when there are several replicas.'),
      minAvailable: count(1, 'Replicas that have to stay.'),
    }),
  };
}

/** The values of one controller's chart, without those that hold for the whole installation. */
export function controllerValues(traits: ControllerTraits): ValueTree {
  return {
    ...image(traits),
    ...availability(traits),
    flags: flagsValue(traits.flags),
    ...pod(traits),
    serviceAccount: group('The ServiceAccount.', {
      create: toggle(true, 'Create the ServiceAccount.'),
      automount: toggle(true, 'Mount its token into the pods.'),
      annotations: texts('Annotations of the ServiceAccount.'),
    }),
    outbox: group('Where events wait until they are handed over.', {
      sizeLimit: text('256Mi', 'Size of the volume in the pod.', quantity),
      persistence: group('A claim for it. It needs replicas: 1.', persistence('1Gi', 'the outbox')),
    }),
    networkPolicy: group('More of the NetworkPolicy of this controller.', {
      egress: objects(
        'What the controller may call, as egress rules. The default is everything: Git servers, registries and chat services are anywhere.',
        [{}],
      ),
    }),
    ...traits.more,
  };
}

/** How the single chart of a controller is connected to the others; the umbrella works these out. */
export const connections: ValueTree = {
  nats: natsClient,
  eventsAddr: text(
    '',
    'URL of the notification-controller to which events are posted when there is no NATS; empty for none.',
  ),
};
