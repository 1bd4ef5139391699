import { describe, expect, test } from 'vitest';
import { presentEvent } from '../../src/content/present-event.ts';
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
  test('has the facts and the link to the commit among its metadata', () => {
    expect(shownBy('slack')).toEqual({
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

  test('leaves metadata alone of which a service makes labels', () => {
    const { shown, facts: apart } = shownBy('alertmanager');
    expect(shown).toEqual(event);
    expect(apart).toEqual({ commitAuthor: 'Ada', commitSubject: 'Add a page', commitURL });
  });

  test('is as it was for the status of a commit', () => {
    expect(shownBy('github')).toEqual({ shown: event, facts: {} });
  });

  test.each(knownTypes)('is as it was without facts, for %s', (type) => {
    expect(presentEvent({ event }, { alert, type })).toEqual({ shown: event, facts: {} });
  });

  test('is a copy', () => {
    const { shown } = presentEvent({ event }, { alert, type: 'generic' });
    expect(shown).not.toBe(event);
    expect(shown.metadata).not.toBe(event.metadata);
  });

  test('keeps metadata that are called like a fact', () => {
    const given = eventOf({ metadata: { commitAuthor: 'given' } });
    const { shown } = presentEvent({ event: given, facts }, { alert, type: 'generic' });
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
  ])('links to the commit of $name: $linked', ({ metadata, linked }) => {
    const { shown } = presentEvent(
      { event: eventOf({ metadata }), facts },
      { alert, type: 'slack' },
    );
    expect(shown.metadata?.['commitURL']).toBe(linked ? commitURL : undefined);
  });

  test('links to the commit of the source, where the revision is that of a chart', () => {
    const given = eventOf({ metadata: { revision: '1.2.3' } });
    const more = { ...facts, sourceRevision: `main@sha1:${sha}` };
    const { shown } = presentEvent({ event: given, facts: more }, { alert, type: 'slack' });
    expect(shown.metadata).toMatchObject({ commitURL });
    expect(shown.metadata).not.toHaveProperty('sourceRevision');
  });
});
