import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, it } from 'vitest';
import type { DeletionGuard } from '../../../src/engine/prune/guards/deletion-guard.ts';
import { firstRefusal } from '../../../src/engine/prune/guards/deletion-guard.ts';
import { disabledGuard } from '../../../src/engine/prune/guards/disabled.ts';
import { firstSeenGuard } from '../../../src/engine/prune/guards/first-seen.ts';
import { heldByAnotherGuard } from '../../../src/engine/prune/guards/held-by-another.ts';
import { notOwnedGuard } from '../../../src/engine/prune/guards/not-owned.ts';
import { protectedGuard } from '../../../src/engine/prune/guards/protected.ts';
import { configMap, identity, owned, prefix } from '../engine-objects.ts';

const object = configMap('apps', 'one');

/** Returns which guards keep an object that stands in the cluster as given. */
function keptBy(guard: DeletionGuard, live: KubeObject = object): string | undefined {
  const refusal = firstRefusal([guard], (one) => one.onSight?.(live, { object }));
  return refusal?.guard;
}

describe('guards of deletions', () => {
  it('not owned: labels that name another owner, or none', () => {
    const guard = notOwnedGuard(identity, { namespace: 'flux-system', name: 'apps' });
    expect(keptBy(guard, owned(object, 'apps'))).toBeUndefined();
    expect(keptBy(guard, owned(object, 'others'))).toBe('not owned');
    expect(keptBy(guard, object)).toBe('not owned');
  });

  it('held by another: the inventory of another owner', () => {
    const holder = heldByAnotherGuard((id) => (id === 'apps_one__ConfigMap' ? 'a/b' : undefined));
    expect(holder.onSight?.(object, { object })).toContain('a/b');
    expect(keptBy(heldByAnotherGuard(() => undefined))).toBeUndefined();
  });

  it.each(['prune', 'reconcile'])('disabled: %s in the cluster', (name) => {
    const live = configMap('apps', 'one', {}, { [name]: 'disabled' });
    expect(keptBy(disabledGuard(prefix), live)).toBe('disabled');
    expect(keptBy(disabledGuard('another'), live)).toBeUndefined();
  });

  it('first seen: what has taken the place of the first one', () => {
    const guard = firstSeenGuard();
    const as = (uid: string) => ({ ...object, metadata: { ...object.metadata, uid } });
    expect([as('1'), as('1'), as('2')].map((live) => keptBy(guard, live))).toEqual([
      undefined,
      undefined,
      'first seen',
    ]);
  });

  it('protected: without a look', () => {
    const guard = protectedGuard(({ name }) => (name === 'one' ? 'it stays' : undefined));
    expect(guard.beforehand?.({ object })).toBe('it stays');
    expect(guard.beforehand?.({ object: configMap('apps', 'two') })).toBeUndefined();
  });

  it('the first that refuses is the one that counts', () => {
    const guards = [disabledGuard(prefix), notOwnedGuard(identity, { name: 'x' })];
    const refusal = firstRefusal(guards, (one) => one.onSight?.(object, { object }));
    expect(refusal).toEqual({ guard: 'not owned', why: 'its labels do not name this owner' });
  });
});
