import {
  allKinds,
  gitRepositoryKind,
  helmReleaseKind,
  toCustomResourceDefinition,
} from '@sluice/shared/api';
import { CORE_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { crdYaml, generateCrds } from '../../generate/crds.ts';
import { generatedMark } from '../../generate/generator.ts';

test('each kind has one file, in the chart of its controller', async () => {
  const files = await generateCrds();
  expect(files.size).toBe(allKinds.length);
  expect([...files.keys()]).toContain('charts/source-controller/files/crds/oci-repository.yaml');
  expect([...files.keys()]).toContain('charts/helm-controller/files/crds/helm-release.yaml');
});

test('generating twice gives the same bytes', async () => {
  expect(await generateCrds()).toEqual(await generateCrds());
});

test('a file says that it is generated', () => {
  expect(crdYaml(gitRepositoryKind, '1.2.3').split('\n', 1)[0]).toContain(generatedMark);
});

test('the labels are those by which clients find an installation and its version', () => {
  const crd = load(crdYaml(gitRepositoryKind, '1.2.3')) as { metadata: { labels: unknown } };
  expect(crd.metadata.labels).toEqual({
    'app.kubernetes.io/component': 'source-controller',
    'app.kubernetes.io/instance': 'flux-system',
    'app.kubernetes.io/part-of': 'flux',
    'app.kubernetes.io/version': 'v1.2.3',
  });
});

describe.each([
  ['YAML 1.2', CORE_SCHEMA],
  ['YAML 1.1, as kubectl reads it', YAML11_SCHEMA],
] as const)('in %s', (_, schema) => {
  test('a file means the definition it was made from', () => {
    const labels = (
      load(crdYaml(helmReleaseKind, '1'), { schema }) as {
        metadata: { labels: Record<string, string> };
      }
    ).metadata.labels;
    expect(load(crdYaml(helmReleaseKind, '1'), { schema })).toEqual(
      toCustomResourceDefinition(helmReleaseKind, labels),
    );
  });
});
