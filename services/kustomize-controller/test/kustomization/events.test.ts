import { joinLines } from '@sluice/shared/base';
import { describeDrift } from '@sluice/shared/engine';
import { describe, expect, test } from 'vitest';

const id = { namespace: 'ns', name: 'web', group: 'apps', kind: 'Deployment' };

describe('describeDrift', () => {
  test('names the fields and marks secret ones', () => {
    const changes = [
      { path: '.spec.replicas', kind: 'changed' as const, masked: false },
      { path: '.data.password', kind: 'added' as const, masked: true },
    ];
    expect(describeDrift({ id, deleted: false, changes })).toBe(
      'Deployment/ns/web drifted: .spec.replicas changed, .data.password added (secret)',
    );
  });

  test('says that an object was deleted', () => {
    expect(describeDrift({ id, deleted: true, changes: [] })).toBe('Deployment/ns/web deleted');
  });

  test('does not list fields without end', () => {
    const changes = Array.from({ length: 30 }, (_, n) => ({
      path: `.f${n}`,
      kind: 'changed' as const,
      masked: false,
    }));
    expect(describeDrift({ id, deleted: false, changes })).toMatch(/, and 10 more$/);
  });
});

describe('joinLines', () => {
  test('keeps a short list whole', () => {
    expect(joinLines(['a', 'b'])).toBe('a\nb');
  });

  test('says how much of a long list was left out', () => {
    const lines = Array.from({ length: 100 }, () => 'x'.repeat(99));
    expect(joinLines(lines).split('\n')).toHaveLength(41);
    expect(joinLines(lines)).toMatch(/\n… and 60 more$/);
  });
});
