import type { ControllerName } from '@sluice/testing';
import type { Permission } from './permissions.ts';

/** Permissions that the charts grant although no test makes use of them, with the reason. */
export interface NeverUsed {
  controllers: ControllerName[];
  group: string;
  resources: string[];
  verbs: string[];
  reason: string;
}

const readAgain =
  'read again when someone else has changed the object while its status or finalizers were written';
const newKinds = 'new kinds that something waits for';
const besideFlux = 'kinds of controllers of Flux that may run beside it';
const changesThatWait = 'changes that `spec.changePolicy` has wait, which these tests do not set';

export const neverUsed: NeverUsed[] = [
  {
    controllers: ['source-controller'],
    group: 'source.toolkit.fluxcd.io',
    resources: ['buckets', 'gitrepositories', 'helmcharts', 'helmrepositories', 'ocirepositories'],
    verbs: ['get'],
    reason: readAgain,
  },
  {
    controllers: ['kustomize-controller'],
    group: 'kustomize.toolkit.fluxcd.io',
    resources: ['kustomizations'],
    verbs: ['get'],
    reason: readAgain,
  },
  {
    controllers: ['helm-controller'],
    group: 'helm.toolkit.fluxcd.io',
    resources: ['helmreleases'],
    verbs: ['get'],
    reason: readAgain,
  },
  {
    controllers: ['kustomize-controller', 'helm-controller'],
    group: 'delivery.sluice.dev',
    resources: ['approvals'],
    verbs: ['delete'],
    reason: changesThatWait,
  },
  {
    controllers: ['kustomize-controller', 'helm-controller'],
    group: 'delivery.sluice.dev',
    resources: ['plans'],
    verbs: ['create', 'patch', 'delete'],
    reason: changesThatWait,
  },
  {
    controllers: ['kustomize-controller'],
    group: 'delivery.sluice.dev',
    resources: ['snapshots'],
    verbs: ['get', 'list', 'create', 'delete'],
    reason: 'what `spec.changePolicy` asks to be kept, which these tests do not set',
  },
  {
    controllers: ['kustomize-controller'],
    group: 'apiextensions.k8s.io',
    resources: ['customresourcedefinitions'],
    verbs: ['get', 'list', 'watch'],
    reason: newKinds,
  },
  {
    controllers: ['kustomize-controller'],
    group: 'apiregistration.k8s.io',
    resources: ['apiservices'],
    verbs: ['get', 'list', 'watch'],
    reason: newKinds,
  },
  {
    controllers: ['helm-controller'],
    group: 'apiextensions.k8s.io',
    resources: ['customresourcedefinitions'],
    verbs: ['get'],
    reason: newKinds,
  },
  {
    controllers: ['helm-controller'],
    group: 'apiregistration.k8s.io',
    resources: ['apiservices'],
    verbs: ['get'],
    reason: newKinds,
  },
  {
    controllers: ['notification-controller'],
    group: 'notification.toolkit.fluxcd.io',
    resources: ['alerts', 'providers', 'receivers'],
    verbs: ['get'],
    reason: readAgain,
  },
  {
    controllers: ['notification-controller'],
    group: 'source.toolkit.fluxcd.io',
    resources: ['buckets', 'externalartifacts'],
    verbs: ['get'],
    reason: 'labels for events of these kinds, which only controllers of Flux send',
  },
  {
    controllers: ['notification-controller'],
    group: 'image.toolkit.fluxcd.io',
    resources: ['imagepolicies', 'imagerepositories', 'imageupdateautomations'],
    verbs: ['get', 'list', 'patch'],
    reason: besideFlux,
  },
  {
    controllers: ['notification-controller'],
    group: 'source.extensions.fluxcd.io',
    resources: ['artifactgenerators'],
    verbs: ['get', 'list', 'patch'],
    reason: besideFlux,
  },
];

/** The reason why a permission is granted although nothing in the tests needs it; undefined when there is none. */
export function reasonFor(controller: string, permission: Permission): string | undefined {
  return neverUsed.find(
    (entry) =>
      (entry.controllers as string[]).includes(controller) &&
      entry.group === permission.group &&
      entry.resources.includes(permission.resource) &&
      entry.verbs.includes(permission.verb),
  )?.reason;
}
