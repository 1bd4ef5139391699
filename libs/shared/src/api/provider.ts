import type { Static } from 'typebox';
import {
  addition,
  bool,
  duration,
  enumOf,
  int,
  object,
  opt,
  rules,
  shortDuration,
  str,
} from './builders.ts';
import { secretRef } from './common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';
import { deliveryCounts, notificationKindBase } from './notification-common.ts';

/** Every type of provider. */
export const providerTypes = [
  'slack',
  'discord',
  'msteams',
  'rocket',
  'generic',
  'generic-hmac',
  'github',
  'gitlab',
  'gitea',
  'giteapullrequestcomment',
  'bitbucketserver',
  'bitbucket',
  'azuredevops',
  'googlechat',
  'googlepubsub',
  'webex',
  'sentry',
  'azureeventhub',
  'telegram',
  'lark',
  'matrix',
  'opsgenie',
  'alertmanager',
  'grafana',
  'githubdispatch',
  'githubpullrequestcomment',
  'gitlabmergerequestcomment',
  'pagerduty',
  'datadog',
  'nats',
  'zulip',
  'otel',
  'zoom',
  'incident.io',
] as const;

const commitStatusTypes = [
  'github',
  'gitlab',
  'gitea',
  'bitbucketserver',
  'bitbucket',
  'azuredevops',
];
const quotedCommitStatusTypes = commitStatusTypes.map((type) => `'${type}'`).join(', ');

const rateLimit = object(
  'How much is sent at most by each replica, in place of what the type of service is known to take; the rest waits for its turn.',
  {
    count: int('Messages.', { minimum: 1, maximum: 1000 }),
    per: duration('Time for them, such as 1s; at most 1h, and 0s for no limit.', {
      maxLength: 16,
    }),
  },
  addition,
);

const spec = object(
  'Where and how to deliver events.',
  {
    type: enumOf('Service to deliver to; it decides what the other fields mean.', providerTypes),
    address: opt(
      str(
        'Where to deliver to, in the terms of the type: usually an HTTP or HTTPS address, for others a project or namespace. The key address of the Secret wins.',
        { maxLength: 2048 },
      ),
    ),
    channel: opt(
      str('Channel, room, topic or similar part of the service to post to.', { maxLength: 2048 }),
    ),
    username: opt(str('Name under which to post.', { maxLength: 2048 })),
    secretRef: opt(
      secretRef(
        'Secret with the credentials, as the type needs them: address, token, username, password, headers, proxy.',
      ),
    ),
    certSecretRef: opt(
      secretRef(
        'Secret with TLS material for connections to the service: a certificate authority in ca.crt, a client certificate in tls.crt and its key in tls.key, or all three. The older names caFile, certFile and keyFile still work.',
      ),
    ),
    proxySecretRef: opt(
      secretRef(
        'Secret with the proxy to use: address (http, https or socks5), and optionally username and password.',
      ),
    ),
    proxy: opt(
      str('HTTP or HTTPS address of the proxy to use. Deprecated: use proxySecretRef.', {
        maxLength: 2048,
        pattern: '^(http|https)://.*$',
      }),
    ),
    serviceAccountName: opt(
      str(
        'ServiceAccount whose workload identity logs in to the cloud, in place of a Secret; for azureeventhub, azuredevops and googlepubsub.',
      ),
    ),
    commitStatusExpr: opt(
      str(
        'CEL expression over event, provider and alert that yields the identifier of the commit status; only for types that write commit statuses.',
      ),
    ),
    timeout: opt(shortDuration('Limit for one delivery.')),
    interval: opt(duration('Not used any more.')),
    suspend: opt(bool('Delivers nothing while true.')),
    rateLimit: opt(rateLimit),
  },
  rules({
    rule: `!has(self.commitStatusExpr) || self.type in [${quotedCommitStatusTypes}]`,
    message: `spec.commitStatusExpr needs spec.type to be one of ${quotedCommitStatusTypes}`,
  }),
);

const status = object('How the deliveries through it went.', {
  ...deliveryCounts(),
  lastHandledReplayAt: opt(
    str(
      'Value of the annotation `notification.sluice.dev/replay-dead-letters` that was acted on last.',
      addition,
    ),
  ),
});

export type ProviderSpec = Static<typeof spec>;
export type ProviderStatus = Static<typeof status>;

/** A service to which alerts are delivered. */
export interface Provider extends KubeObject {
  spec: ProviderSpec;
  status?: ProviderStatus;
}

export const providerKind: KindDefinition<Provider> = {
  ...notificationKindBase,
  version: 'v1beta3',
  kind: 'Provider',
  plural: 'providers',
  singular: 'provider',
  hasStatus: true,
  printerColumns: [ageColumn],
  schema: objectSchema('Names a service to which alerts are delivered.', spec, status),
};
