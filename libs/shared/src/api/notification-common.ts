import { addition, enumOf, int64, object, opt, str, strMap, time } from './builders.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { notificationGroup } from './names.ts';

/** The part of a definition that all notification kinds share. */
export const notificationKindBase = {
  group: notificationGroup,
  shortNames: [],
  categories: ['all', 'fluxcd', 'fluxcd-notifications'],
  namespaced: true,
} satisfies Partial<KindDefinition<KubeObject>>;

const involvedKinds = [
  'Bucket',
  'GitRepository',
  'Kustomization',
  'HelmRelease',
  'HelmChart',
  'HelmRepository',
  'ImageRepository',
  'ImagePolicy',
  'ImageUpdateAutomation',
  'OCIRepository',
  'ArtifactGenerator',
  'ExternalArtifact',
] as const;

/** The fields by which alerts and receivers name one object or, with `*`, many. */
export function involvedObjectFields() {
  return {
    apiVersion: opt(str('API version of the objects.')),
    kind: enumOf('Kind of the objects.', involvedKinds),
    name: str('Name of the object, or `*` for all objects of the kind.', {
      minLength: 1,
      maxLength: 253,
    }),
    namespace: opt(
      str('Namespace of the objects; that of the referring object when unset.', {
        minLength: 1,
        maxLength: 253,
      }),
    ),
    matchLabels: opt(
      strMap(
        'Labels which the objects have to have; needs the name to be `*`.',
        'Value of the label named by the key.',
      ),
    ),
  };
}

/** A reference to one object or, with `*`, to many. */
export function involvedObject(description: string) {
  return object(description, involvedObjectFields());
}

const count = (description: string) => opt(int64(description, { ...addition, minimum: 0 }));

/** The fields of a status that count deliveries. A replica that is killed may leave out the last seconds. */
export function deliveryCounts() {
  return {
    delivered: count('Deliveries that the service has taken.'),
    failed: count('Attempts to deliver that failed.'),
    deadLettered: count('Deliveries that were given up and kept as dead letters.'),
    suppressed: count(
      'Deliveries that were not sent: repetitions of what was delivered lately, what the rules of the Alert hold back for good, and what nobody wants any more.',
    ),
    lastDeliveryTime: opt({ ...time('When the service last took a delivery.'), ...addition }),
    lastError: opt(
      str('Why the last attempt that failed did, without secrets.', {
        ...addition,
        maxLength: 1024,
      }),
    ),
    lastErrorTime: opt({ ...time('When the last attempt failed that did.'), ...addition }),
  };
}
