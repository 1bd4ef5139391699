import type { Static } from 'typebox';
import { bool, enumOf, list, object, opt, str, strList, strMap } from './builders.ts';
import { localRef } from './common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';
import { deliveryCounts, involvedObject, notificationKindBase } from './notification-common.ts';

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
      'Text of the messages, a template in the syntax of Go with .Event and .Alert; the message of the event when unset. An addition.',
      { maxLength: 8192 },
    ),
  ),
  commitURLTemplate: opt(
    str(
      'Address of the page of a commit, a template in the syntax of Go with .Repository, .Host, .Path and .Commit; by the host of the repository when unset. An addition.',
      { maxLength: 1024 },
    ),
  ),
  suspend: opt(bool('Sends nothing while true.')),
});

const status = object('How its deliveries went.', deliveryCounts());

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
