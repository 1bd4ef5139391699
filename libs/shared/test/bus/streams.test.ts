import {
  artifactSubject,
  auditSubject,
  deadLetterSubject,
  deliveredSubject,
  deliverySubject,
  encodeToken,
  eventSubject,
  streamName,
  streamSubjects,
  UnpublishableError,
} from '@sluice/shared/bus';
import { describe, expect, test } from 'vitest';
import { eventOf, noticeOf } from './helpers.ts';

describe('subjects', () => {
  test.each([
    {
      name: 'event',
      subject: eventSubject('sluice', eventOf('m')),
      want: 'sluice.event.info.Kustomization.apps.web_shop',
    },
    {
      name: 'artifact',
      subject: artifactSubject('sluice', noticeOf('a.b', 'r')),
      want: 'sluice.artifact.GitRepository.apps.a_b',
    },
    {
      name: 'delivery',
      subject: deliverySubject('sluice', 'apps', 'slack.bot'),
      want: 'sluice.delivery.apps.slack_bot',
    },
    {
      name: 'audit',
      subject: auditSubject('x', { namespace: 'apps', kind: 'HelmRelease', name: 'a.b' }),
      want: 'x.audit.apps.HelmRelease.a_b',
    },
    {
      name: 'dead letter',
      subject: deadLetterSubject('x', 'apps', 'p'),
      want: 'x.deadletter.apps.p',
    },
    {
      name: 'delivered',
      subject: deliveredSubject('x', { namespace: 'n', name: 'a.b' }, 'k'),
      want: 'x.delivered.n.a_b.k',
    },
  ])('$name: $want', ({ subject, want }) => {
    expect(subject).toBe(want);
  });

  test('an event without a namespace keeps its place', () => {
    const event = eventOf('m', { involvedObject: { kind: 'Node', name: 'n' } });
    expect(eventSubject('sluice', event)).toBe('sluice.event.info.Node._.n');
  });

  test.each(['*', '>', 'a.*', 'a b', 'a\nPUB x', 'a\0', 'ä', '%', 'a/b', 'x'.repeat(254)])(
    'a name that no object has makes no subject: %j',
    (name) => {
      const involvedObject = { kind: 'Kustomization', namespace: 'apps', name };
      const make = () => eventSubject('sluice', eventOf('m', { involvedObject }));
      expect(make).toThrow(UnpublishableError);
      expect(make).toThrow('no name of an object');
    },
  );

  test('names that differ only by dots stay different', () => {
    expect(encodeToken('a.b')).not.toBe(encodeToken('a-b'));
    expect(encodeToken('a.b')).not.toBe(encodeToken('ab'));
  });
});

describe('streams', () => {
  test('the name follows the prefix in capitals', () => {
    expect(streamName('sluice', 'events')).toBe('SLUICE_EVENTS');
    expect(streamName('team.a', 'deadletter')).toBe('TEAM_A_DEADLETTER');
  });

  test('a stream takes in its own subjects', () => {
    expect(streamSubjects('sluice', 'deliveries')).toBe('sluice.delivery.>');
  });
});
