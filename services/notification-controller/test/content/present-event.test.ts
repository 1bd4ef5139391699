import { describe, expect, test } from 'vitest';
import { presentEvent } from '../../src/content/present-event.ts';
import { composed } from '../../src/noise/compose.ts';
import { knownTypes } from '../../src/provider/adapters.ts';
import { alertOf, eventOf } from '../objects.ts';

const sha = '0123456789abcdef0123456789abcdef01234567';
const commitURL = `https://github.com/acme/shop/commit/${sha}`;
const facts = {
  commitAuthor: 'Ada',
  commitSubject: 'Add a page',
  sourceURL: 'https://github.com/acme/shop',
};
const event = eventOf({ metadata: { revision: `main@sha1:${sha}`, env: 'prod' } });
const alert = alertOf();
const shownBy = (type: (typeof knownTypes)[number]) =>
  presentEvent({ event, facts }, { alert, type });

describe('an event as it is shown', () => {
  test('has the facts and the link to the commit among its metadata', async () => {
    expect(await shownBy('slack')).toEqual({
      shown: {
        ...event,
        metadata: {
          commitAuthor: 'Ada',
          commitSubject: 'Add a page',
          commitURL,
          env: 'prod',
          revision: `main@sha1:${sha}`,
        },
      },
      facts: {},
    });
  });

  test('leaves metadata alone of which a service makes labels', async () => {
    const { shown, facts: apart } = await shownBy('alertmanager');
    expect(shown).toEqual(event);
    expect(apart).toEqual({ commitAuthor: 'Ada', commitSubject: 'Add a page', commitURL });
  });

  test('is as it was for the status of a commit', async () => {
    expect(await shownBy('github')).toEqual({ shown: event, facts: {} });
  });

  test.each(knownTypes)('is as it was without facts, for %s', async (type) => {
    expect(await presentEvent({ event }, { alert, type })).toEqual({ shown: event, facts: {} });
  });

  test('has the message that the template of the alert makes, with all facts', async () => {
    const given = alertOf({
      template:
        '{{ .Event.Message }} in {{ .Event.InvolvedObject.Name }} by {{ .Event.Metadata.commitAuthor }} for {{ .Alert.Name }}: {{ .Event.Metadata.sourceURL }}',
    });
    for (const type of ['slack', 'alertmanager', 'generic'] as const) {
      const { shown } = await presentEvent({ event, facts }, { alert: given, type });
      expect(shown.message).toBe(
        `${event.message} in web by Ada for alert: https://github.com/acme/shop`,
      );
    }
    const { shown } = await presentEvent({ event, facts }, { alert: given, type: 'github' });
    expect(shown).toEqual(event);
  });

  describe('of a group', () => {
    const member = { id: 'a', event, facts, alert: { namespace: 'apps', name: 'alert' } };
    const members = ['1', '2'].map((key, index) => ({
      delivery: { ...member, key, provider: 'p', facts: { ...facts, changes: key } },
      count: index + 1,
    }));
    const group = composed({ id: 'batch', openedAt: 0, members, more: 3 }, 'uid');

    test('lists what each is about, and tells the commit that all are about', async () => {
      const { shown } = await presentEvent(group, { alert, type: 'slack' });
      const line = `- Kustomization/apps/web: ReconciliationSucceeded: ${event.message}`;
      expect(shown.message).toBe(`5 events\n${line}\n${line} (2 times)\n- and 3 more`);
      expect(shown.metadata).toMatchObject({ commitAuthor: 'Ada', commitURL });
      expect(shown.metadata).not.toHaveProperty('changes');
    });

    test('lists them in the words of the template, with the facts of each', async () => {
      const template =
        '{{ .Event.InvolvedObject.Name }} by {{ .Event.Metadata.commitAuthor }}:\n{{ .Event.Metadata.changes }}';
      const given = alertOf({ template });
      const { shown } = await presentEvent(group, { alert: given, type: 'slack' });
      expect(shown.message).toBe(
        '5 events\n- web by Ada:\n  1\n- web by Ada:\n  2 (2 times)\n- and 3 more',
      );
      const apart = await presentEvent(group, { alert: given, type: 'alertmanager' });
      expect(apart.members?.map(({ message }) => message)).toEqual([
        'web by Ada:\n1',
        'web by Ada:\n2',
      ]);
    });

    test('says of each no more than there is room for', async () => {
      const given = alertOf({ template: '{{ .Event.Message }}' });
      const long = members.map(({ delivery, count }) => {
        const message = 'x'.repeat(5_000);
        return { delivery: { ...delivery, event: { ...event, message } }, count };
      });
      const many = composed({ id: 'batch', openedAt: 0, members: long, more: 0 }, 'uid');
      const { shown } = await presentEvent(many, { alert: given, type: 'slack' });
      expect(shown.message.length).toBeLessThan(700);
      expect(shown.message).toContain('characters cut off');
    });

    test('of an earlier version stays as it is', async () => {
      const { list: _, ...old } = group;
      const { shown } = await presentEvent(old, {
        alert: alertOf({ template: 'x' }),
        type: 'slack',
      });
      expect(shown.message).toBe(group.event.message);
    });
  });

  test('says that a template cannot be used, and keeps the message of the event', async () => {
    const given = alertOf({ template: '{{ .Event.Nope }}' });
    const { shown } = await presentEvent({ event }, { alert: given, type: 'slack' });
    expect(shown.message).toMatch(
      `${event.message}\n(spec.template of the Alert cannot be used: 1:4: `,
    );
    const empty = alertOf({ template: '{{ if false }}x{{ end }} ' });
    const { shown: same } = await presentEvent({ event }, { alert: empty, type: 'slack' });
    expect(same.message).toBe(event.message);
  });

  test('links to the commit as the alert says', async () => {
    const template = 'https://git.example.com{{ .Path }}/c/{{ trunc 7 .Commit }}?h={{ .Host }}';
    const given = alertOf({ commitURLTemplate: template });
    const { shown } = await presentEvent({ event, facts }, { alert: given, type: 'slack' });
    expect(shown.metadata?.['commitURL']).toBe(
      'https://git.example.com/acme/shop/c/0123456?h=github.com',
    );
    for (const commitURLTemplate of ['{{ .Nope }}', 'javascript:1', 'none']) {
      const broken = alertOf({ commitURLTemplate });
      const { shown: unlinked } = await presentEvent(
        { event, facts },
        { alert: broken, type: 'slack' },
      );
      expect(unlinked.metadata).not.toHaveProperty('commitURL');
    }
  });

  test.each(['slack', 'webex', 'zulip', 'githubpullrequestcomment'] as const)(
    'calls nobody at %s because of what somebody wrote into a commit',
    async (type) => {
      const commitSubject = '<!channel> <@all> @**all** @team fix a < b @ 5';
      const template = '{{ .Event.Metadata.commitSubject }}';
      const given = { alert: alertOf({ template }), type };
      const { shown } = await presentEvent({ event, facts: { ...facts, commitSubject } }, given);
      for (const text of [shown.message, shown.metadata?.['commitSubject'] ?? '']) {
        expect(text).not.toMatch(/<[!@]|@[*\w]/);
        expect(text.replaceAll('\u200b', '')).toBe(commitSubject);
        expect(text).toContain('a < b @ 5');
      }
    },
  );

  test('has the words of a commit as they are where programs read them', async () => {
    const commitSubject = '@team <fix>';
    const given = { alert, type: 'generic' } as const;
    const { shown } = await presentEvent({ event, facts: { ...facts, commitSubject } }, given);
    expect(shown.metadata).toMatchObject({ commitSubject });
  });

  test('is a copy', async () => {
    const { shown } = await presentEvent({ event }, { alert, type: 'generic' });
    expect(shown).not.toBe(event);
    expect(shown.metadata).not.toBe(event.metadata);
  });

  test('keeps metadata that are called like a fact', async () => {
    const given = eventOf({ metadata: { commitAuthor: 'given' } });
    const { shown } = await presentEvent({ event: given, facts }, { alert, type: 'generic' });
    expect(shown.metadata).toMatchObject({ commitAuthor: 'given' });
  });

  test.each<{ name: string; metadata: Record<string, string>; linked: boolean }>([
    { name: 'a revision', metadata: { revision: `main@sha1:${sha}` }, linked: true },
    { name: 'a revision without a branch', metadata: { revision: `sha1:${sha}` }, linked: true },
    {
      name: 'the revision at the origin of an OCI artifact',
      metadata: { revision: `latest@sha256:${'a'.repeat(64)}`, originRevision: `main@sha1:${sha}` },
      linked: true,
    },
    {
      name: 'the digest of an artifact',
      metadata: { revision: `latest@sha256:${'a'.repeat(64)}` },
      linked: false,
    },
    { name: 'the version of a chart', metadata: { revision: '1.2.3' }, linked: false },
  ])('links to the commit of $name: $linked', async ({ metadata, linked }) => {
    const { shown } = await presentEvent(
      { event: eventOf({ metadata }), facts },
      { alert, type: 'slack' },
    );
    expect(shown.metadata?.['commitURL']).toBe(linked ? commitURL : undefined);
  });

  test('links to the commit of the source, where the revision is that of a chart', async () => {
    const given = eventOf({ metadata: { revision: '1.2.3' } });
    const more = { ...facts, sourceRevision: `main@sha1:${sha}` };
    const { shown } = await presentEvent({ event: given, facts: more }, { alert, type: 'slack' });
    expect(shown.metadata).toMatchObject({ commitURL });
    expect(shown.metadata).not.toHaveProperty('sourceRevision');
  });
});
