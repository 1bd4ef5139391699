import type { FluxEvent } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { eventKey } from '../../src/event/event-key.ts';
import { cleanMetadata, combineMetadata, isCommitStatusUpdate } from '../../src/event/metadata.ts';
import { alertOf, eventOf } from '../objects.ts';

const group = 'kustomize.toolkit.fluxcd.io';

describe('metadata', () => {
  test('is kept from the controller and from event annotations only, without digests', () => {
    const event = eventOf({
      metadata: {
        [`${group}/revision`]: 'main@sha1:abc',
        [`${group}/digest`]: 'sha256:1',
        [`${group}/checksum`]: '1',
        [`${group}/Checksum`]: '2',
        'event.toolkit.fluxcd.io/team': 'web',
        'source.toolkit.fluxcd.io/revision': 'other',
        plain: 'x',
      },
    });
    expect(cleanMetadata(event).metadata).toEqual({
      [`${group}/revision`]: 'main@sha1:abc',
      'event.toolkit.fluxcd.io/team': 'web',
    });
  });

  test('is left out when nothing is kept', () => {
    expect(cleanMetadata(eventOf({ metadata: { plain: 'x' } }))).not.toHaveProperty('metadata');
  });

  test('is merged with the controller winning over summary, eventMetadata and annotations', () => {
    const event = eventOf({
      metadata: {
        'event.toolkit.fluxcd.io/a': 'annotation',
        'event.toolkit.fluxcd.io/b': 'annotation',
        'event.toolkit.fluxcd.io/summary': 'annotation',
        'event.toolkit.fluxcd.io/only': 'annotation',
        [`${group}/revision`]: 'controller',
        [`${group}/token`]: 'internal',
      },
    });
    const alert = alertOf({
      eventMetadata: { b: 'alert', revision: 'alert', summary: 'alert', env: 'prod' },
      summary: 'summary',
    });
    const combined = combineMetadata(event, alert);
    expect(combined.event.metadata).toEqual({
      a: 'annotation',
      b: 'alert',
      env: 'prod',
      only: 'annotation',
      revision: 'controller',
      summary: 'summary',
    });
    expect(combined.conflicts).toEqual(['b', 'revision', 'summary']);
  });

  test('has facts of our controllers apart, unless others give the same keys', () => {
    const event = eventOf({
      metadata: {
        [`${group}/revision`]: 'r1',
        'facts.sluice.dev/commitAuthor': 'Ada',
        'facts.sluice.dev/commitSubject': 'Add a page',
      },
    });
    const cleaned = cleanMetadata(event);
    const combined = combineMetadata(
      cleaned,
      alertOf({ eventMetadata: { commitAuthor: 'alert' } }),
    );
    expect(combined.event.metadata).toEqual({ commitAuthor: 'alert', revision: 'r1' });
    expect(combined.facts).toEqual({ commitSubject: 'Add a page' });
    expect(combined.conflicts).toEqual([]);
  });

  test('tells commit status updates', () => {
    const of = (value: string) => eventOf({ metadata: { [`${group}/commit_status`]: value } });
    expect(isCommitStatusUpdate(of('update'))).toBe(true);
    expect(isCommitStatusUpdate(of('other'))).toBe(false);
    expect(isCommitStatusUpdate(eventOf())).toBe(false);
  });
});

describe('the key of an event', () => {
  const base = () => eventOf({ metadata: { [`${group}/revision`]: 'r1' } });

  test('is the SHA-256 of object, message and revisions', () => {
    // printf 'event/name=web/namespace=apps/kind=Kustomization/message=m/revision=r1' | sha256sum
    const event = { ...base(), message: 'm' };
    expect(eventKey(event)).toBe(
      '97d1cf623b75283f8b2eb8723f68bd99f9ce5d4e2f3ad21953a1faa92114a7aa',
    );
  });

  test.each<{ name: string; change: Partial<FluxEvent>; same: boolean }>([
    { name: 'time', change: { timestamp: '2030-01-01T00:00:00Z' }, same: true },
    { name: 'instance', change: { reportingInstance: 'other' }, same: true },
    {
      name: 'annotations',
      change: { metadata: { [`${group}/revision`]: 'r1', 'event.toolkit.fluxcd.io/a': 'b' } },
      same: true,
    },
    {
      name: 'facts',
      change: { metadata: { [`${group}/revision`]: 'r1', 'facts.sluice.dev/commitAuthor': 'b' } },
      same: true,
    },
    { name: 'message', change: { message: 'other' }, same: false },
    { name: 'revision', change: { metadata: { [`${group}/revision`]: 'r2' } }, same: false },
    {
      name: 'origin revision',
      change: { metadata: { [`${group}/revision`]: 'r1', [`${group}/originRevision`]: 'o' } },
      same: false,
    },
    {
      name: 'token',
      change: { metadata: { [`${group}/revision`]: 'r1', [`${group}/token`]: 't' } },
      same: false,
    },
  ])('with another $name: same $same', ({ change, same }) => {
    expect(eventKey({ ...base(), ...change }) === eventKey(base())).toBe(same);
  });
});
