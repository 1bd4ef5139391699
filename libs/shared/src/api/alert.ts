import type { Static } from 'typebox';
import { auditActions } from './audit.ts';
import {
  addition,
  bool,
  duration,
  enumOf,
  int,
  int64,
  list,
  object,
  opt,
  str,
  strList,
  strMap,
} from './builders.ts';
import { conditionSchema, localRef } from './common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';
import { deliveryCounts, involvedObject, notificationKindBase } from './notification-common.ts';

/** Longest text of a duration. */
const durationLength = { maxLength: 16 };
const timeOfDay = { pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' };

const groupBy = object(
  'Sends what comes together as one message. Not for services that group by themselves, nor for commit statuses and comments.',
  {
    fields: opt(
      list(
        'What the events of one message have in common; nothing when unset. Failures, recoveries and other events are never in one message.',
        enumOf('Field of the event.', ['kind', 'namespace', 'name', 'reason', 'revision']),
        { maxItems: 5 },
      ),
    ),
    window: duration(
      'Time from the first event to the message, such as 1m; from 1s to 24h.',
      durationLength,
    ),
  },
  addition,
);

const threshold = object(
  'Sends failures only once there were several of the same object and reason.',
  {
    count: int('Failures from which on they are sent.', { minimum: 2, maximum: 100 }),
    within: duration('Time in which they have to come; from 1s to 24h.', durationLength),
  },
  addition,
);

const quietHours = object('Hours of every day, or of some, in which nothing is sent.', {
  timeZone: opt(
    str('Time zone by its IANA name, such as Europe/Berlin; UTC when unset.', { maxLength: 64 }),
  ),
  days: opt(
    list(
      'Days on which they begin; every day when unset.',
      enumOf('Day of the week.', ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']),
      { maxItems: 7 },
    ),
  ),
  from: str('When they begin, as 22:00.', timeOfDay),
  to: str('When they end, as 07:00; on the next day unless it is later than from.', timeOfDay),
});

const audit = object(
  'Sends the records of the audit trail about these objects in place of their events, each as it is. Needs NATS, and a Provider of type generic, generic-hmac, nats or otel. The fields about events have no effect.',
  {
    actions: opt(
      list('Actions of which records are sent; all when unset.', enumOf('Action.', auditActions), {
        minItems: 1,
        maxItems: 32,
      }),
    ),
  },
  addition,
);

const spec = object('Which events to send where.', {
  providerRef: localRef('The Provider that delivers the events.', 'Name of the Provider.'),
  eventSources: list(
    'Objects whose events are sent.',
    involvedObject('Objects whose events are sent.'),
  ),
  eventSeverity: opt(
    enumOf('Lowest severity that is sent; info sends everything.', ['info', 'error'], {
      default: 'info',
    }),
  ),
  inclusionList: opt(
    strList(
      'Send only events whose message matches one of these; all when unset.',
      'Go regular expression.',
    ),
  ),
  exclusionList: opt(
    strList('Do not send events whose message matches one of these.', 'Go regular expression.'),
  ),
  eventMetadata: opt(
    strMap(
      'Facts to add to each event. Those which the event already has from its controller stay as they are.',
      'Value of the fact named by the key.',
    ),
  ),
  summary: opt(
    str('Short text to send along. Deprecated: use eventMetadata with the key summary.', {
      maxLength: 255,
    }),
  ),
  template: opt(
    str(
      'Text of the messages, a template in the syntax of Go with .Event and .Alert; the message of the event when unset.',
      { maxLength: 8192, ...addition },
    ),
  ),
  commitURLTemplate: opt(
    str(
      'Address of the page of a commit, a template in the syntax of Go with .Repository, .Host, .Path and .Commit; by the host of the repository when unset.',
      { maxLength: 1024, ...addition },
    ),
  ),
  suspend: opt(bool('Sends nothing while true.')),
  audit: opt(audit),
  groupBy: opt(groupBy),
  threshold: opt(threshold),
  repeatInterval: opt(
    duration(
      'Time after which a failure that goes on is sent again, in place of the rate limit of the controller; from 1s to 720h.',
      { ...durationLength, ...addition },
    ),
  ),
  quietHours: opt(
    list(
      'When nothing is sent. Failures wait until the end and are sent as one message, unless they are over by then; what is no failure is left out.',
      quietHours,
      { maxItems: 10, ...addition },
    ),
  ),
});

const status = object('How its deliveries went.', {
  ...deliveryCounts(),
  observedGeneration: opt(
    int64(
      'Generation of the object that the conditions are about; only with spec.audit.',
      addition,
    ),
  ),
  conditions: opt(
    list(
      'Whether audit records can be sent, in the condition Ready; only with spec.audit.',
      conditionSchema,
      addition,
    ),
  ),
});

export type AlertSpec = Static<typeof spec>;
export type AlertStatus = Static<typeof status>;

/** A choice of events and the provider to send them through. */
export interface Alert extends KubeObject {
  spec: AlertSpec;
  status?: AlertStatus;
}

export const alertKind: KindDefinition<Alert> = {
  ...notificationKindBase,
  version: 'v1beta3',
  kind: 'Alert',
  plural: 'alerts',
  singular: 'alert',
  hasStatus: true,
  printerColumns: [ageColumn],
  schema: objectSchema('Sends the events of chosen objects through a Provider.', spec, status),
};
