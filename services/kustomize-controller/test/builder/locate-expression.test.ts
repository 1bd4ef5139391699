import type { KubeObject, KustomizationSpec } from '@sluice/shared/api';
import { createKustomize, type Kustomize } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBuild } from '../../src/builder/build.ts';
import { locateExpression } from '../../src/builder/locate-expression.ts';
import { configMap, directoryWith } from './artifact.ts';

let kustomize: Kustomize;
beforeAll(() => {
  kustomize = createKustomize({ binary: toolPath('kustomize-builder') });
});
afterAll(() => kustomize.close());

const files = {
  'app/kustomization.yaml': 'resources: [../base, b.yaml]\n',
  'app/b.yaml': `# text\n---\n${configMap('b', { k: '$${used}', l: '${used}' })}\n`,
  'base/kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: p-\n',
  'base/a.yaml': `\n\n${configMap('a', { k: '${used}', only: '${none:=x}' })}\n`,
  'other/c.yaml': configMap('c', { k: '${elsewhere}' }),
};

describe('an expression is found', () => {
  test.each([
    {
      name: 'in the file that names its object',
      expression: '${used',
      object: 'b',
      place: 'app/b.yaml:3',
    },
    {
      name: 'in the first file, when the name was changed',
      expression: '${used',
      object: 'x-new',
      place: 'app/b.yaml:3',
    },
    { name: 'in a base', expression: '${none', object: 'p-a', place: 'base/a.yaml:3' },
    {
      name: 'in no file that the build did not read',
      expression: '${elsewhere',
      object: 'c',
      place: undefined,
    },
    { name: 'nowhere when it is not there', expression: '${absent', object: 'a', place: undefined },
  ])('$name', async ({ expression, object, place }) => {
    const root = await directoryWith(files);
    const spec = { path: 'app' } as KustomizationSpec;
    const { seen } = await runBuild(
      kustomize,
      { root, spec },
      { timeoutMs: 20_000, share: 'test' },
    );
    const named = { metadata: { name: object } } as KubeObject;
    expect(await locateExpression({ root, seen }, expression, named)).toBe(place);
  });
});
