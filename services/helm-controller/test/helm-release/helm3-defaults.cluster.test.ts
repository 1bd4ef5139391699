import type { KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unobserved } from './charts.ts';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--feature-gates=UseHelm3Defaults=true']);
});
afterAll(() => bed.stop());

const hook = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: { helm.sh/hook: pre-install }
`;
test('behind its gate, releases are made as by Helm 3 unless told', async () => {
  // Only legacy waiting does not wait for it.
  const child = `{{ if .Values.child }}${unobserved}{{ end }}`;
  await bed.publish(chart('1.0.0', { 'templates/hook.yaml': hook, 'templates/child.yaml': child }));
  const commonMetadata = { labels: { team: 'a' } };
  await bed.apply({ commonMetadata, timeout: '1h', values: { child: true } }, 'legacy');
  await bed.apply({ install: { serverSideApply: true } }, 'explicit');
  await bed.ready('1.0.0', 'legacy');
  await bed.ready('1.0.0', 'explicit');
  const operations = async (name: string) => {
    const key = { namespace: bed.namespace, name };
    const { metadata } = await bed.client.get<KubeObject>(configMaps, key);
    return metadata.managedFields?.map(({ operation }) => operation);
  };
  expect(await operations('legacy')).toEqual(['Update']);
  expect(await operations('explicit')).toEqual(['Apply']);
  const teamOf = async (name: string) => {
    const key = { namespace: bed.namespace, name };
    return (await bed.client.get(configMaps, key)).metadata.labels?.['team'];
  };
  expect(await teamOf('legacy')).toBe('a');
  expect(await teamOf('legacy-hook')).toBeUndefined();
});
