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

const keys = group('Keys of the Secret; an empty one is not used.', {
  password: text('', 'Key with the password of nats.user.'),
  creds: text('', 'Key with a credentials file (JWT and NKey).'),
  nkey: text('', 'Key with an NKey seed.'),
  ca: text('', 'Key with the certificate authorities of the server.'),
  cert: text('', 'Key with a client certificate.'),
  key: text('', 'Key with the private key of the client certificate.'),
});

const login: ValueTree = {
  url: text('', 'URL of the NATS server, or several with commas between; without credentials.', {
    pattern: '^[^@]*$',
  }),
  user: text('', 'User that logs in with a password.'),
  existingSecret: text('', 'Secret of the namespace with the credentials.'),
  keys,
};

const prefix = text(
  'sluice',
  'First token of the subjects. Installations that share a server need different ones.',
  { pattern: '^[a-z0-9][-a-z0-9_]*$' },
);

const artifacts = group(
  'Artifacts in the object store of NATS, so that they outlive the pods of source-controller and source-watcher.',
  {
    enabled: toggle(
      false,
      'Keep artifacts there as well (--storage-backend=nats), in a bucket that notification-controller makes.',
    ),
    maxMiB: count(
      1024,
      'Most MiB of the bucket. They are a part of what JetStream may use, besides 704 MiB of the streams.',
      64,
    ),
  },
);

const auditSize = count(
  256,
  'Most MiB of the audit trail, which are among those of the streams. When it is full, new records wait with the controllers that make them; they are not deleted before they are 400 days old.',
  1,
);

/** How a controller reaches NATS. */
export const natsClient: Value = group(
  'How the controller reaches NATS; without a URL it posts events to eventsAddr.',
  {
    ...login,
    prefix,
    streamReplicas: count(
      1,
      'Replicas of the streams, which notification-controller makes; those with fewer are raised to it.',
      1,
    ),
    artifacts,
    audit: group('The audit trail.', { maxMiB: auditSize }),
  },
);

/** How a pod keeps a volume. */
export function persistence(size: string, what: string): ValueTree {
  return {
    enabled: toggle(false, `Keep ${what} on a PersistentVolumeClaim instead of in the pod.`),
    size: text(size, 'Size of the claim.', quantity),
    storageClassName: text('', 'StorageClass of the claim; empty for the default one.'),
    accessMode: choice(
      'ReadWriteOnce',
      ['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'],
      'Access mode of the claim.',
    ),
    existingClaim: text('', 'Claim to use instead of a new one.'),
    annotations: texts('Annotations of the claim.'),
  };
}

const server: ValueTree = {
  replicas: {
    description: 'Servers: 1, or 3 that keep each message on three machines.',
    default: 1,
    schema: { type: 'integer', enum: [1, 3] },
  },
  image: text('nats', 'Repository of the image, with the registry if it is not the default one.'),
  tag: text('2.15.2-alpine', 'Tag of the image.'),
  imagePullPolicy: choice('', ['', 'Always', 'IfNotPresent', 'Never'], 'When the image is pulled.'),
  resources: object('Requests and limits of the container.', {
    requests: { cpu: '50m', memory: '64Mi' },
    limits: { memory: '512Mi' },
  }),
  persistence: group('The volume of JetStream.', {
    size: text(
      '4Gi',
      'Size of the claim. The streams take up to 704 MiB, artifacts those of nats.artifacts.',
      quantity,
    ),
    storageClassName: text('', 'StorageClass of the claim; empty for the default one.'),
    maxFileStore: text('2Gi', 'Part of it that JetStream may use, in whole units.', {
      pattern: '^[0-9]+[kMGT]i?$',
    }),
  }),
  auth: group('Users and passwords.', {
    existingSecret: text(
      '',
      'Secret with the passwords, under the keys source-controller, kustomize-controller, helm-controller, notification-controller, routes where that is installed source-watcher, and with nats.audit.reader auditor, each beginning with a letter. Empty: they are generated, and kept by upgrades.',
    ),
  }),
  priorityClassName: text('', 'PriorityClass of the pods.'),
  annotations: texts('Annotations of the pods.'),
  labels: texts('More labels of the pods.'),
  nodeSelector: texts('Labels of the nodes to run on.'),
  affinity: object('Affinity of the pods.'),
  tolerations: objects('Tolerations of the pods.'),
  topologySpreadConstraints: objects(
    'How the pods spread; one without labelSelector gets that of the pods. Empty: three servers go to three nodes where possible.',
  ),
  podDisruptionBudget: group('Budget for voluntary disruptions.', {
    create: toggle(true, 'Create a PodDisruptionBudget when there are three servers.'),
  }),
};

/** NATS as the umbrella installs it or finds it. */
export const natsOfInstallation: Value = group('NATS JetStream, the bus between the controllers.', {
  enabled: toggle(
    true,
    'Use NATS: a server of our own, or nats.external. When false, controllers post events over HTTP.',
  ),
  prefix,
  streamReplicas: {
    description:
      'Replicas of the streams; 0 for as many as there are servers of our own, or 1 outside.',
    default: 0,
    schema: { type: 'integer', enum: [0, 1, 3, 5] },
  },
  artifacts,
  audit: group('The audit trail.', {
    maxMiB: auditSize,
    reader: toggle(
      false,
      'Make a user auditor of our own server, who may read the audit trail and nothing else; its password is in the Secret sluice-nats.',
    ),
  }),
  external: group(
    'A NATS server that exists; our own is not installed when the URL is set.',
    login,
  ),
  ...server,
});
