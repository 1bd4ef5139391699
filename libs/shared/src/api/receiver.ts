import type { Static } from 'typebox';
import {
  addition,
  bool,
  duration,
  enumOf,
  list,
  listMapBy,
  object,
  opt,
  rules,
  str,
  strList,
  strMap,
  time,
} from './builders.ts';
import {
  conditions,
  lastHandledReconcileAt,
  observedGeneration,
  secretRef,
  statusDefault,
} from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import { involvedObjectFields, notificationKindBase } from './notification-common.ts';

/** Every type of receiver. */
export const receiverTypes = [
  'generic',
  'generic-hmac',
  'generic-oidc',
  'github',
  'gitlab',
  'bitbucket',
  'harbor',
  'dockerhub',
  'quay',
  'gcr',
  'nexus',
  'acr',
  'cdevents',
] as const;

const oidcProvider = object('An issuer of OIDC tokens and the tokens to accept from it.', {
  issuerURL: str('Address of the issuer; equal to the iss claim of its tokens.', {
    pattern: '^https?://',
  }),
  audience: opt(str('Audience the token has to be for; notification-controller when unset.')),
  variables: opt(
    list(
      'Named CEL expressions, evaluated in order, which later ones and the validations read as vars.<name>.',
      object('A named expression.', {
        name: str('Name of the variable; a CEL identifier.'),
        expression: str('CEL expression over claims and earlier vars.'),
      }),
    ),
  ),
  validations: list(
    'Conditions on the token, of which all have to hold. A valid signature alone proves little: public issuers sign for everyone, so name who may call.',
    object('A condition on the token.', {
      expression: str('CEL expression over claims and vars that yields a boolean.'),
      message: str('Answer to the caller when the condition does not hold.'),
    }),
    { minItems: 1 },
  ),
});

const filterText =
  'CEL expression over res (metadata of the object), req (body of the request) and, for generic-oidc, claims; a reconciliation is requested only where it is true.';

const resource = object('Objects to reconcile when a request arrives.', {
  ...involvedObjectFields(),
  filter: opt(str(`${filterText} Holds for this entry, in addition to resourceFilter.`)),
});

const decisions = object(
  'Takes the requests for decisions about plans that wait, instead of asking for reconciliations. Only for the type generic-hmac, which signs what a request says; spec.resources has to be empty, and spec.resourceFilter holds.',
  {
    serviceAccountName: str(
      'ServiceAccount of the namespace of the Receiver that creates the Approvals: it needs create and get on approvals, and get on the targets, in their namespace. It is one user, whoever sends the requests.',
      { minLength: 1, maxLength: 253 },
    ),
    targets: list(
      'Objects about whose plans a request may decide.',
      object('One object, or those with labels.', {
        kind: enumOf('Kind of the objects.', ['Kustomization', 'HelmRelease']),
        name: str('Name of the object, or `*` for all of the kind that have matchLabels.', {
          minLength: 1,
          maxLength: 253,
        }),
        namespace: opt(
          str('Namespace of the objects; that of the Receiver when unset.', {
            minLength: 1,
            maxLength: 253,
          }),
        ),
        matchLabels: opt(
          strMap(
            'Labels which the objects have to have; required with the name `*`.',
            'Value of the label named by the key.',
          ),
        ),
      }),
      { minItems: 1, maxItems: 100 },
    ),
  },
  addition,
);

const spec = object(
  'Which requests to accept, and what to reconcile for them.',
  {
    type: enumOf(
      'Sender of the requests; it decides how they are authenticated and read.',
      receiverTypes,
    ),
    interval: opt(
      duration('How often to read the Secret again even when it is not known to have changed.', {
        default: '10m',
      }),
    ),
    events: opt(
      strList(
        'Events to act on, as the sender names them; all when unset.',
        'Name of an event, such as push for GitHub or Push Hook for GitLab.',
      ),
    ),
    resources: list('Objects to reconcile when a request arrives.', resource),
    onlyPushedRef: opt(
      bool(
        'Reconciles of the GitRepositories only those that follow the branch or tag that a push names. A webhook that names none, and objects of other kinds, are reconciled as ever.',
        addition,
      ),
    ),
    resourceFilter: opt(
      str(`${filterText} Holds for all entries of resources, and for decisions.`),
    ),
    secretRef: opt(
      secretRef(
        'Secret whose key token authenticates requests and makes the path unguessable; gcr also needs email and audience. Required for all types but generic-oidc.',
      ),
    ),
    oidcProviders: opt(
      list('Issuers whose tokens authenticate requests; for generic-oidc.', oidcProvider, {
        ...listMapBy('issuerURL'),
      }),
    ),
    decisions: opt(decisions),
    suspend: opt(bool('Refuses requests while true.')),
  },
  rules(
    {
      rule: "self.type != 'generic-oidc' || (has(self.oidcProviders) && self.oidcProviders.size() > 0)",
      message: "spec.oidcProviders needs at least one entry when spec.type is 'generic-oidc'",
    },
    {
      rule: "self.type == 'generic-oidc' || !has(self.oidcProviders) || self.oidcProviders.size() == 0",
      message: "spec.oidcProviders is only for spec.type 'generic-oidc'",
    },
    {
      rule: "!has(self.secretRef) || self.type != 'generic-oidc'",
      message: "spec.secretRef is not used when spec.type is 'generic-oidc': remove it",
    },
    {
      rule: "has(self.secretRef) || self.type == 'generic-oidc'",
      message: "spec.secretRef is required unless spec.type is 'generic-oidc'",
    },
  ),
);

const status = object(
  'What was last observed.',
  {
    observedGeneration: opt(observedGeneration()),
    conditions: opt(conditions()),
    lastHandledReconcileAt: opt(lastHandledReconcileAt()),
    webhookPath: opt(
      str(
        'Path at which requests are accepted: /hook/ and the SHA-256 of token, name and namespace.',
      ),
    ),
    lastCall: opt(
      object(
        'The last request to the path, written at most every ten seconds.',
        {
          time: time('When it was answered.'),
          result: enumOf(
            'What became of it: all objects were asked to reconcile, or the decision was taken (Succeeded), or it was not genuine or not wanted (Refused), asked for nothing (Ignored), was done a moment ago (Repeated), or could not be done for all objects (Failed).',
            ['Succeeded', 'Refused', 'Ignored', 'Repeated', 'Failed'],
          ),
          reason: opt(str('Why it was refused or failed.')),
        },
        addition,
      ),
    ),
  },
  statusDefault,
);

export type ReceiverSpec = Static<typeof spec>;
export type ReceiverStatus = Static<typeof status>;

/** A webhook that requests reconciliations. */
export interface Receiver extends KubeObject {
  spec: ReceiverSpec;
  status?: ReceiverStatus;
}

export const receiverKind: KindDefinition<Receiver> = {
  ...notificationKindBase,
  version: 'v1',
  kind: 'Receiver',
  plural: 'receivers',
  singular: 'receiver',
  hasStatus: true,
  printerColumns: [ageColumn, ...readyColumns],
  schema: objectSchema('Accepts webhooks and requests reconciliations for them.', spec, status),
};
