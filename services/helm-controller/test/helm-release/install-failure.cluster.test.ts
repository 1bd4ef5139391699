import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, type ChartFiles, chart, conditionOf, startBed } from './harness.ts';
import { isApplied } from './is-applied.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const recordOf = (name: string) => bed.helm('ls', '--filter', `^${name}$`, '--short');

const schema = JSON.stringify({
  type: 'object',
  properties: { web: { type: 'object', properties: { port: { type: 'integer' } } } },
});

interface Bad {
  name: string;
  files: ChartFiles;
  values?: object;
  message: RegExp;
}

test.for<Bad>([
  {
    name: 'a template that fails is named with its line',
    files: { 'templates/bad.yaml': 'a: 1\nb: {{ fail "no text" }}\n' },
    message: /web\/templates\/bad\.yaml:2:.*no text/,
  },
  {
    name: 'a template that makes no YAML is named',
    files: { 'templates/bad.yaml': 'a: b: c\n' },
    message: /web\/templates\/bad\.yaml/,
  },
  {
    name: 'a value that does not fit the schema is named with its path',
    files: { 'values.schema.json': schema },
    values: { web: { port: 'http' } },
    message: /\/web\/port: .*integer/,
  },
])('$name, and nothing is applied', async ({ files, values, message }) => {
  const name = `early-${message.source.length}-${Object.keys(files).join('').length}`;
  await bed.publish(chart('1.0.0', files), '1.0.0', name);
  await bed.apply({ chartRef: { kind: 'ExternalArtifact', name }, values }, name);
  const failed = await bed.failed('InstallFailed', name);
  assertStatusContract(failed);
  expect(conditionOf(failed)?.message).toMatch(message);
  expect(conditionOf(failed, 'Released')).toMatchObject({
    status: 'False',
    reason: 'InstallFailed',
  });
  expect(conditionOf(failed, 'Reconciling')?.reason).toBe('ProgressingWithRetry');
  expect(failed.status).toMatchObject({
    lastAttemptedReleaseAction: 'install',
    lastAttemptedRevision: '1.0.0',
    failures: expect.any(Number),
  });
  expect(failed.status?.history ?? []).toEqual([]);
  expect(failed.status?.installFailures).toBeUndefined();
  expect(await isApplied(bed, name)).toBe(false);
  expect(await recordOf(name)).toBe('');
  // It would be tried, and counted, during the tests of others.
  await bed.remove(name);
});

test.for([
  {
    name: 'refused',
    values: { refused: true },
    message: /Service\/.*refused.*ports\[0\]\.port/,
    // What the API server did not take is nobody's.
    entries: [{}],
  },
  {
    name: 'pending',
    values: { pending: true },
    message: /timeout after 1s waiting for: \[Deployment\/.*pending status: 'InProgress'/,
    entries: [{}, {}],
  },
])('an object that is $name fails the release, which stalls without retries', async (o) => {
  await bed.publish(fragileChart(), '1.0.0', o.name);
  const chartRef = { kind: 'ExternalArtifact', name: o.name } as const;
  await bed.apply({ chartRef, values: o.values, timeout: '1s' }, o.name);
  const stalled = await bed.when((object) => conditionOf(object, 'Stalled') !== undefined, o.name);
  assertStatusContract(stalled);
  expect(conditionOf(stalled)).toMatchObject({ status: 'False', reason: 'InstallFailed' });
  expect(conditionOf(stalled)?.message).toMatch(o.message);
  expect(conditionOf(stalled, 'Stalled')).toMatchObject({
    reason: 'RetriesExceeded',
    message: 'Failed to install after 1 attempt(s)',
  });
  expect(stalled.status).toMatchObject({
    observedGeneration: 1,
    failures: 1,
    installFailures: 1,
    history: [{ version: 1, status: 'failed', action: 'install' }],
    inventory: { entries: o.entries },
  });
  expect(await recordOf(o.name)).toBe(`${o.name}\n`);
  const event = await bed.event(({ reason, involvedObject }) => {
    return reason === 'InstallFailed' && involvedObject.name === o.name;
  });
  expect(event.message).toMatch(o.message);

  await bed.patch({ values: { refused: false, pending: false } }, o.name);
  const healed = await bed.ready('1.0.0', o.name);
  expect(conditionOf(healed)?.reason).toBe('UpgradeSucceeded');
  expect(healed.status).not.toHaveProperty('installFailures');
});

test('a chart that takes too much to render is rendered again only when it, its values or the spec change', async () => {
  const endless = '{{ range until (int .Values.times) }}{{ printf "%d" . }}{{ end }}';
  await bed.publish(chart('1.0.0', { 'templates/endless.yaml': endless }), '1.0.0', 'endless');
  const chartRef = { kind: 'ExternalArtifact', name: 'endless' } as const;
  await bed.apply({ chartRef, values: { times: 2_000_000_000 } }, 'endless');
  const failed = await bed.failed('InstallFailed', 'endless');
  expect(conditionOf(failed)?.message).toContain('--helm-memory-limit');
  const rendered = await bed.metric('sluice_helm_renderings_total');

  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'again' }, 'endless');
  const requested = await bed.when((o) => o.status?.lastHandledReconcileAt === 'again', 'endless');
  expect(conditionOf(requested)?.message).toBe(conditionOf(failed)?.message);
  expect(await bed.metric('sluice_helm_renderings_total')).toBe(rendered);

  await bed.patch({ values: { times: 0 } }, 'endless');
  await bed.ready('1.0.0', 'endless');
});
