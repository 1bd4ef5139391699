import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { withTextMetadata } from '../../src/kustomization/text-metadata.ts';

function owner(commonMetadata?: object): Kustomization {
  return { spec: { commonMetadata } } as unknown as Kustomization;
}

const object = (metadata: object) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'team', ...metadata },
  }) as KubeObject;

describe('metadata that is no text', () => {
  const odd = object({ labels: { team: 'x', version: 1.1 }, annotations: { on: true } });

  test('takes all labels of its object with it, and is told of without its value', () => {
    const { objects, warnings } = withTextMetadata([odd], owner());
    expect(objects).toEqual([object({ annotations: { on: true } })]);
    expect(warnings).toEqual([
      "ConfigMap/team/a: metadata.labels are left out because the value of 'version' is not a text; put quotes around it",
    ]);
  });

  test('takes the annotations with it too when others are added', () => {
    const { objects, warnings } = withTextMetadata([odd], owner({ annotations: { note: 'x' } }));
    expect(objects).toEqual([object({})]);
    expect(warnings).toHaveLength(2);
  });

  test.each([{}, { labels: null }, { labels: { a: 'x', b: null } }, { labels: 'text' }])(
    '%j stays as it is',
    (metadata) => {
      const kept = object(metadata);
      const none = { objects: [kept], warnings: [] };
      expect(withTextMetadata([kept], owner({ annotations: { a: 'b' } }))).toEqual(none);
    },
  );
});
