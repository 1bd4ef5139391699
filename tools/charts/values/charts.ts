import { readServiceFlagSpecs } from '../../generate/flags.ts';
import {
  type ControllerTraits,
  connections,
  controllerValues,
  serviceValue,
} from './controller.ts';
import { absentController, extraObjects, installWide } from './install-wide.ts';
import { withMonitoring } from './monitoring.ts';
import { natsOfInstallation, persistence } from './nats.ts';
import { group, objects, quantity, text, texts, toggle, unset, type ValueTree } from './node.ts';

/** The charts of controllers, by the names under which the umbrella has them. */
export const controllerKeys = {
  sourceController: 'source-controller',
  kustomizeController: 'kustomize-controller',
  helmController: 'helm-controller',
  notificationController: 'notification-controller',
  sourceWatcher: 'source-watcher',
} as const;

const hosts = [{ host: 'flux-webhook.example.com', paths: [{ path: '/', pathType: 'Prefix' }] }];

/** Of those that store artifacts. */
const ofStorage: ValueTree = {
  service: serviceValue('The Service of artifacts.'),
  storage: group('Where artifacts are kept, at /data.', {
    sizeLimit: text('8Gi', 'Size of the volume in the pod.', quantity),
    persistence: group(
      'A claim for it, which spares fetching everything again after a restart. It needs replicas: 1.',
      persistence('8Gi', 'artifacts'),
    ),
  }),
};

const ofNotification: ValueTree = {
  service: serviceValue('The Service of events.'),
  webhookReceiver: group('The server of webhooks.', {
    service: serviceValue('The Service of webhooks.'),
    ingress: group('An Ingress to it.', {
      create: toggle(false, 'Create the Ingress.'),
      ingressClassName: text('', 'Class of the Ingress.'),
      annotations: texts('Annotations of the Ingress.'),
      labels: texts('More labels of the Ingress.'),
      hosts: objects('Hosts and paths.', hosts),
      tls: objects('Certificates, as in an Ingress.'),
    }),
  }),
};

/** What differs between the controllers; requests and limits come from the benchmarks. */
const traits: Record<string, Omit<ControllerTraits, 'name' | 'flags'>> = {
  'source-controller': {
    requests: { cpu: '50m', memory: '128Mi' },
    limits: { memory: '1Gi' },
    tmp: '4Gi',
    gracePeriod: 30,
    leaderElection: 'auto',
    more: ofStorage,
  },
  'kustomize-controller': {
    requests: { cpu: '100m', memory: '192Mi' },
    limits: { memory: '1Gi' },
    tmp: '2Gi',
    gracePeriod: 30,
    leaderElection: 'auto',
  },
  'helm-controller': {
    requests: { cpu: '100m', memory: '256Mi' },
    limits: { memory: '2Gi' },
    tmp: '2Gi',
    gracePeriod: 615,
    leaderElection: 'auto',
  },
  'notification-controller': {
    requests: { cpu: '50m', memory: '96Mi' },
    limits: { memory: '512Mi' },
    tmp: '256Mi',
    gracePeriod: 30,
    leaderElection: 'always',
    more: ofNotification,
  },
  'source-watcher': {
    optional: true,
    requests: { cpu: '50m', memory: '128Mi' },
    limits: { memory: '1Gi' },
    tmp: '8Gi',
    gracePeriod: 30,
    leaderElection: 'auto',
    more: ofStorage,
  },
};

/** The values of a chart. */
export interface ChartValues {
  chart: string;
  values: ValueTree;
}

/** The values of every chart that has some, the umbrella last. */
export async function allChartValues(): Promise<ChartValues[]> {
  const flags = await readServiceFlagSpecs();
  const charts = Object.values(controllerKeys).map((name) => {
    const own = traits[name];
    const specs = flags.get(name);
    if (own === undefined || specs === undefined) throw new Error(`no values for ${name}`);
    const values = controllerValues({ name, flags: specs, ...own });
    return { chart: name, values: { ...values, ...unset({ ...connections, ...installWide }) } };
  });
  const controllers = Object.entries(controllerKeys).map(([key, name]) => {
    const { values } = charts.find(({ chart }) => chart === name) as ChartValues;
    return [
      key,
      group(
        `${name}: everything that its chart takes; what is set here wins over the top.`,
        values,
      ),
    ];
  });
  const umbrella = {
    ...withMonitoring(installWide),
    nats: natsOfInstallation,
    ...(Object.fromEntries(controllers) as ValueTree),
    ...extraObjects,
    global: group('Values that all charts of a release see.', {
      sluice: group('What the umbrella tells its controllers.', {
        umbrella: toggle(true, 'The umbrella renders the controllers; leave it as it is.'),
      }),
    }),
    imageAutomationController: absentController('image-automation-controller'),
    imageReflectionController: absentController('image-reflector-controller'),
  };
  return [...charts, { chart: 'sluice', values: umbrella }];
}
