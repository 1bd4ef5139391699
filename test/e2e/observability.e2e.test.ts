import { gzipSync } from 'node:zlib';
import type { GitRepository, HelmRelease, KubeObject, Kustomization } from '@sluice/shared/api';
import {
  gitRepositoryKind,
  helmReleaseKind,
  kustomizationKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import {
  type ControllerProcess,
  controllerNames,
  freePorts,
  type HelmServer,
  type ProgramName,
  type ReceivedSpan,
  type Registry,
  receiveTraces,
  startHelmServer,
  startRegistry,
  type TraceReceiver,
  until,
  untilGone,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { deployment, gitRepository, key, kustomization, prepare, receiver } from './objects.ts';
import { contract, controllers, mayBeEmpty } from './observability/contract.ts';
import { documentedMetrics } from './observability/documented.ts';
import { type ExposedMetric, parseExposition } from './observability/exposition.ts';
import { unreadableLines } from './observability/log-lines.ts';
import { applyOthers, chart, login, release } from './observability/objects.ts';
import { sendPush } from './push.ts';
import {
  hmacKey,
  type LocalWorld,
  receiverToken,
  slackToken,
  startWorld,
  timeoutMs,
} from './world.ts';

const kustomizations = resourceOf(kustomizationKind);
const releases = resourceOf(helmReleaseKind);
const gitRepositories = resourceOf(gitRepositoryKind);

/** All that answer for metrics and logs. */
const programs: ProgramName[] = [...controllerNames, 'source-watcher'];
/** Works without NATS: the event path over HTTP is as much part of a trace. */
const withoutNats: ProgramName[] = ['helm-controller'];
/** Metrics of what there is with NATS alone. */
const needsNats = /^sluice_(nats_connected$|audit_outbox_)/;
/** An archive without files. */
const layer = {
  mediaType: 'application/vnd.cncf.flux.content.v1.tar+gzip',
  data: gzipSync(Buffer.alloc(1024)),
};

/** Tells of failures in the words of a template. */
const commitAlert = {
  apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
  kind: 'Alert',
  metadata: { namespace: key.namespace, name: 'commits' },
  spec: {
    providerRef: { name: 'slack' },
    eventSeverity: 'error',
    eventSources: [{ kind: 'Kustomization', name: key.name }],
    template:
      '{{ .Event.Metadata.commitAuthor }} broke {{ .Event.InvolvedObject.Name }}: {{ .Event.Metadata.commitSubject }}',
    commitURLTemplate: '{{ .Repository }}/commit/{{ .Commit }}',
  },
} as KubeObject;

let world: LocalWorld;
let traces: TraceReceiver;
let helm: HelmServer;
let registry: Registry;
let profilingUrl: string;
const started = new AsyncDisposableStack();

beforeAll(async () => {
  [traces, helm, registry] = await Promise.all([
    receiveTraces(),
    startHelmServer(),
    startRegistry({ auth: { ...login, via: 'token' } }),
  ]);
  started.defer(() => traces.close());
  started.defer(() => helm.stop());
  started.defer(() => registry.stop());
  await helm.publish({ name: 'tool', version: '1.0.0' });
  await registry.pushArtifact({ repository: 'app', tag: 'v1', layers: [layer] });
  const [profiling] = await freePorts(1);
  profilingUrl = `http://127.0.0.1:${profiling}/debug/pprof`;
  const args = [`--otlp-endpoint=${traces.endpoint}`, '--enable-leader-election'];
  const extraArgs = Object.fromEntries(programs.map((name) => [name, args]));
  extraArgs['source-controller'] = [...args, `--profiling-addr=127.0.0.1:${profiling}`];
  world = await startWorld({
    controllers: { names: programs, namespace: 'default', withoutNats, extraArgs },
  });
  started.defer(() => world.stop());
  await prepare(world);
  await world.apply(commitAlert);
}, 120_000);
afterAll(() => started.disposeAsync());

async function push(files: Record<string, string>, message = 'change'): Promise<string> {
  const sha = await world.repo.commit({ files, message });
  await sendPush(world);
  return sha;
}

async function untilApplied(sha: string): Promise<void> {
  const isApplied = (k: Kustomization) =>
    isReady(k) && (k.status?.lastAppliedRevision ?? '').endsWith(sha);
  await until<Kustomization>(world.client, kustomizations, key, isApplied, { timeoutMs });
}

async function untilReleased(version: number): Promise<void> {
  const isReleased = (r: HelmRelease) => isReady(r) && r.status?.history?.[0]?.version === version;
  await until<HelmRelease>(world.client, releases, key, isReleased, { timeoutMs });
}

/** The spans that led to one, nearest first, as `service: name`; equal ones in a row, as while waiting, count once. */
function pathTo(span: ReceivedSpan): string[] {
  const path = traces.ancestorsOf(span).map(({ service, name }) => `${service}: ${name}`);
  return path.filter((each, index) => each !== path[index - 1]);
}

async function deliveryOf(reason: string, traceId: string): Promise<ReceivedSpan> {
  return traces.waitFor(
    (span) =>
      span.name === 'deliver' &&
      span.traceId === traceId &&
      span.attributes['sluice.event.reason'] === reason &&
      span.attributes['sluice.provider'] === 'platform/hmac',
  );
}

function processOf(name: ProgramName): ControllerProcess {
  const found = world.controllers.processes[name];
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
}

async function scrape(name: ProgramName): Promise<Map<string, ExposedMetric>> {
  return parseExposition(await (await fetch(processOf(name).metricsUrl)).text());
}

describe('a push can be followed to the alert in one trace', () => {
  let webhook: ReceivedSpan;

  beforeAll(async () => {
    await world.repo.commit({ files: chart('1.0.0') });
    for (const object of [receiver, gitRepository(world), kustomization, release]) {
      await world.apply(object as KubeObject);
    }
    await untilReleased(1);
    const sha = await push({ ...chart('1.1.0'), 'shop/deployment.yaml': deployment('1.1.0') });
    await Promise.all([untilApplied(sha), untilReleased(2)]);
    webhook = await traces.waitFor((span) => span.name === 'webhook');
  }, 180_000);

  test('from the webhook over NATS, through source, build, apply and health', async () => {
    expect(webhook).toMatchObject({ service: 'notification-controller', parentId: '' });
    const delivery = await deliveryOf('ReconciliationSucceeded', webhook.traceId);
    await expect
      .poll(() => pathTo(delivery), { timeout: 15_000 })
      .toEqual([
        'notification-controller: match alerts',
        'kustomize-controller: reconcile Kustomization',
        'source-controller: reconcile GitRepository',
        'notification-controller: webhook',
      ]);
  });

  test('and over the HTTP event path, through chart, rendering and upgrade', async () => {
    const delivery = await deliveryOf('UpgradeSucceeded', webhook.traceId);
    await expect
      .poll(() => pathTo(delivery), { timeout: 15_000 })
      .toEqual([
        'notification-controller: match alerts',
        'notification-controller: receive event',
        'helm-controller: reconcile HelmRelease',
        'source-controller: reconcile HelmChart',
        'source-controller: reconcile GitRepository',
        'notification-controller: webhook',
      ]);
  });

  test.each([
    ['reconcile GitRepository', ['resolve revision', 'make artifact']],
    ['make artifact', ['store artifact']],
    ['reconcile Kustomization', ['fetch artifact', 'build', 'apply', 'prune', 'check health']],
    ['reconcile HelmRelease', ['fetch artifact', 'helm upgrade']],
    ['helm upgrade', ['render']],
  ])('%s shows %j', async (parent, children) => {
    const ofTrace = () => traces.spans.filter(({ traceId }) => traceId === webhook.traceId);
    const below = () => {
      const parents = ofTrace().filter(({ name }) => name === parent);
      const ids = new Set(parents.map(({ spanId }) => spanId));
      return ofTrace().flatMap(({ name, parentId }) => (ids.has(parentId) ? [name] : []));
    };
    await expect.poll(below, { timeout: 15_000 }).toEqual(expect.arrayContaining(children));
  });

  test('which the receiver of the alert can continue', async () => {
    const sent = await world.hmac.waitFor(({ body }) => body.includes('UpgradeSucceeded'));
    expect(sent.headers['traceparent']).toContain(webhook.traceId);
    expect(JSON.parse(sent.body).metadata).toMatchObject({
      commitAuthor: 'Test Author',
      commitSubject: 'change',
      changes: expect.stringContaining('chart 1.0.0 to 1.1.0'),
    });
  });

  test('its spans name the object and the revision', async () => {
    const inTrace = ({ traceId, name }: ReceivedSpan) =>
      traceId === webhook.traceId && name === 'reconcile Kustomization';
    expect((await traces.waitFor(inTrace)).attributes).toMatchObject({
      'sluice.object.kind': 'Kustomization',
      'sluice.object.name': 'shop',
      'k8s.namespace.name': 'platform',
      'sluice.revision': expect.stringContaining('main@sha1:'),
    });
  });

  test('a reconcile that fails is a failed span with the reason, and its alert is in the trace', async () => {
    const bad = { 'shop/deployment.yaml': deployment('1.2.0', -1) };
    const pushed = await push(bad, 'Ask for less than nothing\n\nMore.');
    const failed = await traces.waitFor(
      (span) => span.name === 'reconcile Kustomization' && span.failed,
      { timeoutMs },
    );
    expect(failed.message).toContain('spec.replicas');
    expect(failed.traceId).not.toBe(webhook.traceId);
    await deliveryOf('ReconciliationFailed', failed.traceId);
    // It says whose commit failed, where to see it, and what failed.
    const text = 'Test Author broke shop: Ask for less than nothing';
    const { body } = await world.slack.waitFor((request) => request.body.includes(text));
    const [message] = JSON.parse(body).attachments;
    expect(message.text).toBe(text);
    const field = (title: string, value: unknown) => ({ title, value, short: false });
    expect(message.fields).toEqual(
      expect.arrayContaining([
        field('commitAuthor', 'Test Author'),
        field('commitSubject', 'Ask for less than nothing'),
        field('commitURL', `${world.git.url('shop').replace(/\.git$/, '')}/commit/${pushed}`),
        field('firstFailure', expect.stringMatching(/^Deployment\/shop\/web .*spec\.replicas/)),
        field('revision', `main@sha1:${pushed}`),
      ]),
    );
    const sha = await world.repo.revert();
    await sendPush(world);
    await untilApplied(sha);
  }, 120_000);

  test('a request without a trace begins one, whatever an earlier request left on the object', async () => {
    const before = await world.client.get<GitRepository>(gitRepositories, key);
    expect(JSON.stringify(before.metadata.annotations)).toContain('traceparent');
    const known = new Set(traces.spans.map(({ traceId }) => traceId));
    const request = { metadata: { annotations: { [reconcileRequestAnnotation]: 'by-hand' } } };
    await world.client.patch(gitRepositories, key, request, { type: 'merge' });
    await traces.waitFor(
      (span) =>
        span.name === 'reconcile GitRepository' &&
        span.parentId === '' &&
        span.attributes['sluice.priority'] === 'request' &&
        !known.has(span.traceId),
    );
  });
});

describe('the metrics', () => {
  beforeAll(async () => {
    await applyOthers(world, helm, registry);
    const drift = { spec: { replicas: 7 } };
    const apps = await world.resource({ apiVersion: 'apps/v1', kind: 'Deployment' });
    await world.client.patch(apps, { namespace: 'shop', name: 'web' }, drift, { type: 'merge' });
    await world.hmac.waitFor(({ body }) => body.includes('DriftCorrected'), { timeoutMs });
    const duration = 'gotk_reconcile_duration_seconds';
    const expected: [ProgramName, string, string][] = [
      ['source-watcher', duration, 'parts'],
      ['source-watcher', duration, 'no-parts'],
      ['source-controller', duration, 'tool'],
      ['source-controller', duration, 'app'],
      ['source-controller', duration, 'charts'],
      ['source-controller', 'gotk_cache_events_total', 'cache_hit'],
      ['source-controller', 'gotk_token_cache_requests_total', 'success'],
      ['kustomize-controller', duration, 'absent'],
      ['kustomize-controller', duration, 'nowhere'],
    ];
    const seen = async () => {
      for (const [name, metric, value] of expected) {
        const series = (await scrape(name)).get(metric)?.series ?? [];
        const found = series.some((s) => s.value > 0 && Object.values(s.labels).includes(value));
        if (!found) throw new Error(`${name} has no ${metric} with ${value}`);
      }
    };
    await vi.waitFor(seen, { timeout: timeoutMs, interval: 200 });
  }, 120_000);

  test.each(programs)(
    'of %s are what dashboards query: name, type, labels, buckets',
    async (name) => {
      const exposed = await scrape(name);
      for (const [metric, expected] of Object.entries(contract[name])) {
        const found = exposed.get(metric);
        expect(found?.type, metric).toBe(expected.type);
        if (!mayBeEmpty[name].includes(metric)) expect(found?.series, metric).not.toEqual([]);
        for (const labels of found?.labels ?? [])
          expect([...labels].sort(), metric).toEqual([...expected.labels].sort());
        const buckets = found?.buckets ?? [];
        expect(buckets.length, metric).toBe(expected.buckets?.length ?? 0);
        for (const [i, bound] of (expected.buckets ?? []).entries())
          expect(buckets[i], metric).toBeCloseTo(bound, 9);
      }
    },
  );

  test.each(programs)('of %s name its kinds in lower case', async (name) => {
    const exposed = await scrape(name);
    for (const metric of ['controller_runtime_reconcile_total', 'workqueue_adds_total']) {
      const series = exposed.get(metric)?.series ?? [];
      expect([...new Set(series.map((s) => s.labels['controller']))].sort()).toEqual(
        controllers[name],
      );
    }
  });

  test.each(programs)('of %s are those of docs/metrics.md, and no others', async (name) => {
    const exposed = await scrape(name);
    const documented = (await documentedMetrics()).filter(
      (m) =>
        m.controllers.includes(name) && !(needsNats.test(m.name) && withoutNats.includes(name)),
    );
    // What prom-client tells of every Node process is documented as a whole.
    const names = [...exposed.keys()].filter((metric) => !/^(nodejs|process)_/.test(metric));
    const others = documented.filter((m) => !/^(nodejs|process)_/.test(m.name));
    expect(names.sort()).toEqual(others.map((m) => m.name).sort());
    for (const metric of documented) {
      const found = exposed.get(metric.name);
      expect(found?.type, metric.name).toBe(metric.type);
      for (const labels of found?.labels ?? [])
        expect([...labels].sort(), metric.name).toEqual([...metric.labels].sort());
    }
  });

  test('tell conditions, intervals, successes, drift, deliveries and what waits', async () => {
    const valueIn = async (of: ProgramName, metric: string, labels: Record<string, string>) =>
      (await scrape(of))
        .get(metric)
        ?.series.find((s) =>
          Object.entries(labels).every(([label, value]) => s.labels[label] === value),
        )?.value;
    const shop = { kind: 'Kustomization', name: 'shop', namespace: 'platform' };
    const ready = { ...shop, type: 'Ready' };
    const kc = 'kustomize-controller';
    expect(await valueIn(kc, 'sluice_resource_condition', { ...ready, status: 'True' })).toBe(1);
    expect(
      await valueIn(kc, 'sluice_resource_condition', { ...ready, status: 'False' }),
    ).toBeUndefined();
    const nowhere = { ...ready, name: 'nowhere', status: 'False' };
    expect(await valueIn(kc, 'sluice_resource_condition', nowhere)).toBe(1);
    expect(await valueIn(kc, 'sluice_resource_interval_seconds', shop)).toBe(600);
    const success = 'sluice_resource_last_success_timestamp_seconds';
    expect(await valueIn(kc, success, shop)).toBeGreaterThan(Date.now() / 1000 - 3600);
    expect(await valueIn(kc, success, { name: 'nowhere' })).toBeUndefined();
    expect(
      await valueIn(kc, 'sluice_drift_total', { ...shop, action: 'corrected' }),
    ).toBeGreaterThan(0);
    expect(await valueIn(kc, 'sluice_nats_connected', {})).toBe(1);
    const delivered = { provider_type: 'generic-hmac', result: 'delivered' };
    expect(
      await valueIn('notification-controller', 'sluice_deliveries_total', delivered),
    ).toBeGreaterThan(0);
    const oci = {
      kind: 'OCIRepository',
      name: 'app',
      namespace: 'platform',
      operation: 'reconcile',
    };
    const used = await valueIn('source-controller', 'gotk_token_cache_events_total', oci);
    expect(used).toBeGreaterThan(0);
    for (const name of programs) {
      expect(await valueIn(name, 'sluice_outbox_oldest_seconds', {}), name).toBeGreaterThanOrEqual(
        0,
      );
      expect(await valueIn(name, 'leader_election_master_status', {}), name).toBe(1);
    }
  });

  test('of a deleted or suspended object disappear', async () => {
    const seriesOf = async (name: string) => {
      const metrics = [...(await scrape('kustomize-controller')).values()];
      return metrics.flatMap((metric) =>
        metric.series.some((s) => s.labels['name'] === name) ? [metric.name] : [],
      );
    };
    expect(await seriesOf('nowhere')).toContain('gotk_reconcile_duration_seconds');
    const nowhere = { ...key, name: 'nowhere' };
    await world.client.delete(kustomizations, nowhere);
    await untilGone(world.client, kustomizations, nowhere, { timeoutMs });
    await expect.poll(() => seriesOf('nowhere')).toEqual([]);
    await world.client.patch(
      kustomizations,
      { ...key, name: 'absent' },
      { spec: { suspend: true } },
      { type: 'merge' },
    );
    await expect
      .poll(() => seriesOf('absent'))
      .toEqual(expect.not.arrayContaining(['sluice_resource_condition']));
  });
});

describe('the profiling endpoints', () => {
  test('give a heap snapshot and a CPU profile of a running controller', async () => {
    const heap = (await fetch(`${profilingUrl}/heap`)).body?.getReader();
    const { value } = (await heap?.read()) ?? {};
    expect(new TextDecoder().decode(value)).toMatch(/^\{"snapshot":/);
    await heap?.cancel();
    const cpu = async () => (await fetch(`${profilingUrl}/profile?seconds=1`)).json();
    await expect.poll(cpu, { timeout: 30_000 }).toHaveProperty('nodes');
  });

  test.each(programs)('are not on the port of the metrics of %s', async (name) => {
    const { metricsUrl } = processOf(name);
    expect((await fetch(metricsUrl.replace('/metrics', '/debug/pprof/'))).status).toBe(404);
  });
});

describe('at the end', () => {
  test('a collector that is gone neither blocks nor ends the controllers', async () => {
    await traces.close();
    const pids = programs.map((name) => processOf(name).pid);
    const sha = await push({ ...chart('2.0.0'), 'shop/deployment.yaml': deployment('2.0.0') });
    await Promise.all([untilApplied(sha), untilReleased(3)]);
    expect(programs.map((name) => processOf(name).pid)).toEqual(pids);
  }, 120_000);

  test('no span holds a secret', () => {
    const text = traces.bodies.join('\n');
    expect(text).toContain('reconcile Kustomization');
    for (const secret of [hmacKey, receiverToken, slackToken, login.password])
      expect(text).not.toContain(secret);
  });

  test('flux logs can read every line of every log, failures and shutdown included', async () => {
    await world.controllers.stop();
    for (const name of programs) {
      const { logFile } = processOf(name);
      expect(await unreadableLines(logFile), name).toEqual([]);
      const last = (await processOf(name).log()).at(-1);
      expect(last, name).toMatchObject({ msg: 'Shutdown complete' });
    }
  });
});
