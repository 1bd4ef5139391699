import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, it } from 'vitest';
import { excludedGuard } from '../../src/action/guards/excluded.ts';
import { otherReleaseGuard } from '../../src/action/guards/other-release.ts';
import { resourcePolicyGuard } from '../../src/action/guards/resource-policy.ts';
import { withOwnership } from '../../src/action/objects.ts';

const release = { name: 'app', namespace: 'apps' };

function configMap(annotations: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one', namespace: 'apps', annotations },
  };
}

describe('guards of the deletion of a release', () => {
  it('excluded: by the manifest alone', () => {
    const guard = excludedGuard('helm.toolkit.fluxcd.io');
    const object = configMap({ 'helm.toolkit.fluxcd.io/reconcile': 'disabled' });
    expect(guard.beforehand?.({ object })).toContain('excludes it');
    expect(guard.beforehand?.({ object: configMap() })).toBeUndefined();
    expect(guard.onSight).toBeUndefined();
  });

  it('resource policy: keep in the manifest or in the cluster', () => {
    const kept = configMap({ 'helm.sh/resource-policy': 'keep' });
    const ask = (live: KubeObject, object: KubeObject) =>
      resourcePolicyGuard.onSight?.(live, { object });
    expect(ask(kept, configMap())).toContain('helm.sh/resource-policy');
    expect(ask(configMap(), kept)).toContain('helm.sh/resource-policy');
    expect(ask(configMap(), configMap())).toBeUndefined();
  });

  it('other release: what does not say that it is of this one', () => {
    const guard = otherReleaseGuard(release);
    const item = { object: configMap() };
    const live = withOwnership(configMap(), release, { name: 'hr', namespace: 'apps' });
    expect(guard.onSight?.(live, item)).toBeUndefined();
    expect(guard.onSight?.(configMap(), item)).toContain('not owned by this release');
    expect(otherReleaseGuard({ ...release, name: 'two' }).onSight?.(live, item)).toContain(
      "must be 'two' and is 'app'",
    );
  });
});
