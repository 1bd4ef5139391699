import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allKinds, deliveryGroup, fieldsOf, type KindDefinition } from '@sluice/shared/api';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import {
  type CustomResourceStateMetrics,
  kubeStateMetricsConfig,
} from '../../generate/monitoring/kube-state-metrics.ts';

const file = join(import.meta.dirname, '../../../charts/sluice/files/kube-state-metrics.yaml');
const { spec } = load(readFileSync(file, 'utf8')) as CustomResourceStateMetrics;

// What people decide has no state of its own.
const reconciled = allKinds.filter(({ group }) => group !== deliveryGroup);
const kinds = reconciled.map((definition) => {
  const resource = spec.resources.find(
    ({ groupVersionKind: { group, version, kind } }) =>
      group === definition.group && version === definition.version && kind === definition.kind,
  );
  return { kind: definition.kind, definition, resource };
});

/** A path of kube-state-metrics in the form of the schema's paths, without the steps into lists. */
function schemaPath(path: readonly string[]): string {
  return path.filter((step) => !/^\d+$|^\[/.test(step)).join('.');
}

function pathsOf(definition: KindDefinition): Set<string> {
  return new Set(fieldsOf(definition).map(({ path }) => path.replaceAll('[]', '')));
}

test('the file of the chart is the configuration, for every kind that is reconciled and no other', () => {
  expect({ kind: 'CustomResourceStateMetrics', spec }).toEqual(kubeStateMetricsConfig());
  expect(spec.resources.length).toBe(reconciled.length);
});

test.each(kinds)('$kind has the metric under the names that dashboards query', ({ resource }) => {
  expect(resource?.metricNamePrefix).toBe('gotk');
  expect(resource?.metrics.map(({ name }) => name)).toEqual(['resource_info']);
  const [metric] = resource?.metrics ?? [];
  expect(metric?.each).toEqual({
    type: 'Info',
    info: { labelsFromPath: { name: ['metadata', 'name'] } },
  });
  expect(metric?.labelsFromPath['exported_namespace']).toEqual(['metadata', 'namespace']);
});

test.each(kinds)(
  'the labels of $kind are read from fields that it has',
  ({ definition, resource }) => {
    const fields = pathsOf(definition);
    const labels = Object.entries(resource?.metrics[0]?.labelsFromPath ?? {});
    const unknown = labels.filter(
      ([, path]) => path[0] !== 'metadata' && !fields.has(schemaPath(path)),
    );
    expect(unknown).toEqual([]);
  },
);

test.each(kinds)(
  '$kind tells ready and suspended where it has them',
  ({ definition, resource }) => {
    const fields = pathsOf(definition);
    const labels = resource?.metrics[0]?.labelsFromPath ?? {};
    expect('ready' in labels).toBe(fields.has('status.conditions'));
    expect('suspended' in labels).toBe(fields.has('spec.suspend'));
  },
);

test('dashboards find what else they query of single kinds', () => {
  const labels = Object.fromEntries(
    kinds.map(({ kind, resource }) => [
      kind,
      Object.keys(resource?.metrics[0]?.labelsFromPath ?? {}),
    ]),
  );
  expect(labels).toMatchObject({
    Kustomization: expect.arrayContaining(['revision', 'source_name']),
    HelmRelease: expect.arrayContaining([
      'revision',
      'chart_name',
      'chart_app_version',
      'chart_ref_name',
      'chart_source_name',
    ]),
    GitRepository: expect.arrayContaining(['revision', 'url']),
    OCIRepository: expect.arrayContaining(['revision', 'url']),
    HelmRepository: expect.arrayContaining(['revision', 'url']),
    HelmChart: expect.arrayContaining(['revision', 'chart_name', 'chart_version']),
    Bucket: expect.arrayContaining(['revision', 'endpoint', 'bucket_name']),
    Receiver: expect.arrayContaining(['webhook_path']),
  });
});
