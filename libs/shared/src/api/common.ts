import type { Static } from 'typebox';
import { enumOf, int64, list, object, opt, str, strList, strMap, time } from './builders.ts';

/** A reference by name to an object of a known kind in the same namespace. */
export function localRef(description: string, nameDescription = 'Name of the object.') {
  return object(description, { name: str(nameDescription) });
}

/** A reference to a Secret in the same namespace. */
export function secretRef(description: string) {
  return localRef(description, 'Name of the Secret.');
}

/** Schema of one condition. */
export const conditionSchema = object('One aspect of the state of the object.', {
  type: str('Name of the aspect, in CamelCase, optionally after a DNS prefix and a slash.', {
    maxLength: 316,
    pattern:
      '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
  }),
  status: enumOf('Whether the aspect holds: True, False, or Unknown.', [
    'True',
    'False',
    'Unknown',
  ]),
  reason: str('CamelCase word for programs that says why the condition has its status.', {
    minLength: 1,
    maxLength: 1024,
    pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
  }),
  message: str('Explanation for people; may be empty.', { maxLength: 32768 }),
  lastTransitionTime: time('When the status of the condition last changed.'),
  observedGeneration: opt(
    int64('Generation of the object for which the condition was determined.', { minimum: 0 }),
  ),
});

/** One aspect of the state of an object. */
export type Condition = Static<typeof conditionSchema>;

/** The conditions of an object. */
export function conditions() {
  return list('Conditions of the object; Ready sums them up.', conditionSchema);
}

/** Schema of an artifact with the given description. */
export function artifact(description: string) {
  return object(description, {
    path: str('Path of the file below the root of the storage of the controller that produced it.'),
    url: str('HTTP address at which other controllers download the file.'),
    revision: str(
      'Origin of the content in words of its source system, such as a Git branch and commit, a tag and digest, or a chart version.',
    ),
    digest: str('Checksum of the file, as `<algorithm>:<checksum>`.', {
      pattern: '^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$',
    }),
    lastUpdateTime: time('When the file was last replaced.'),
    size: opt(int64('Size of the file in bytes.')),
    metadata: opt(
      strMap(
        'Facts about the content from upstream, such as OCI annotations.',
        'Value of the fact named by the key.',
      ),
    ),
  });
}

/** A packaged revision of a source, served over HTTP. */
export type Artifact = Static<ReturnType<typeof artifact>>;

/** `status.observedGeneration`. */
export function observedGeneration() {
  return int64('Last generation of the object that was reconciled to an end, -1 before the first.');
}

/** `status.lastHandledReconcileAt`. */
export function lastHandledReconcileAt() {
  return str(
    'Value of the annotation `reconcile.fluxcd.io/requestedAt` that was last acted upon; clients compare it to see that their request was handled.',
  );
}

/** Options of a status schema: the value by which clients see that no controller has looked yet. */
export const statusDefault = { default: { observedGeneration: -1 } } as const;

/** Schema of a selector of Kubernetes objects. */
export function selector(description: string) {
  return object(description, {
    group: opt(str('API group of the objects, as an anchored regular expression.')),
    version: opt(str('API version of the objects, as an anchored regular expression.')),
    kind: opt(str('Kind of the objects, as an anchored regular expression.')),
    namespace: opt(str('Namespace of the objects, as an anchored regular expression.')),
    name: opt(str('Name of the objects, as an anchored regular expression.')),
    labelSelector: opt(
      str('Label selector expression that the labels of the objects have to satisfy.'),
    ),
    annotationSelector: opt(
      str(
        'Expression in label selector syntax that the annotations of the objects have to satisfy.',
      ),
    ),
  });
}

/** A choice of Kubernetes objects by type, name, labels and annotations; unset fields match all. */
export type Selector = Static<ReturnType<typeof selector>>;

/** Schema of a list of rules that exempt fields from drift detection. */
export function ignoreRules(description: string) {
  return list(
    description,
    object('Fields to leave out, and the objects in which to do so.', {
      paths: strList(
        'Fields to leave out, as JSON Pointers (RFC 6901).',
        'JSON Pointer to a field, such as `/spec/replicas`; of driftDetection, the empty one means the whole object, its deletion included.',
      ),
      target: opt(selector('Objects the rule is for; when unset, all managed objects.')),
    }),
  );
}

/** A rule that exempts fields of the selected objects from drift detection. */
export type IgnoreRule = Static<ReturnType<typeof ignoreRules>>[number];

/** Schema of `spec.verify.matchOIDCIdentity`. */
export function oidcIdentities() {
  return list(
    'Identities accepted in a keyless cosign signature; one match suffices.',
    object('A signer, by what its certificate says.', {
      issuer: str('Go regular expression that the OIDC issuer in the certificate has to match.'),
      subject: str('Go regular expression that the subject of the certificate has to match.'),
    }),
  );
}
