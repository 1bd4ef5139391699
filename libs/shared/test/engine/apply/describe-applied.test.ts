import type { KubeObject } from '@sluice/shared/api';
import { type AppliedChange, describeApplied, objectIdOf } from '@sluice/shared/engine';
import { describe, expect, test } from 'vitest';

const identity = { fieldManager: 'kustomize-controller' };

function configMap(name: string, data: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'apps', resourceVersion: JSON.stringify(data) },
    data,
  } as KubeObject;
}

function changeOf(
  action: AppliedChange['action'],
  object: KubeObject,
  before?: KubeObject,
): AppliedChange {
  return { action, object, id: objectIdOf(object), before };
}

describe('what an apply has changed', () => {
  test('is told with the paths of fields and without values', () => {
    const before = configMap('a', { size: 'secret-before', old: 'x' });
    const after = configMap('a', { size: 'secret-after', new: 'y' });
    const text = describeApplied(
      [
        changeOf('configured', after, before),
        changeOf('created', configMap('b', {})),
        changeOf('unchanged', configMap('c', {})),
        changeOf('skipped', configMap('d', {})),
      ],
      identity,
    );
    expect(text.split('\n')).toEqual([
      'ConfigMap/apps/b created',
      'ConfigMap/apps/a: data.size, data.old (removed), data.new (added)',
    ]);
    expect(text).not.toContain('secret-');
  });

  test('leaves out what the watches did not know before', () => {
    expect(describeApplied([changeOf('configured', configMap('a', {}))], identity)).toBe('');
  });

  test('has a limited length, however many objects there are', () => {
    const changes = Array.from({ length: 5000 }, (_, n) =>
      changeOf('created', configMap(`${n}`, {})),
    );
    expect(describeApplied(changes, identity, 300).length).toBeLessThanOrEqual(300);
  });
});
