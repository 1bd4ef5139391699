import type { FluxEvent, GitRepository } from '@sluice/shared/api';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import { beforeEach, describe, expect, it } from 'vitest';
import { createEventRecorder } from '../../../src/runtime/observe/events.ts';
import type { KubeEvent } from '../../../src/runtime/observe/kube-events.ts';
import type { EventInput, EventRecorder } from '../../../src/runtime/reconciler.ts';
import { apiError, FakeApi } from '../fake-api.ts';

const source: GitRepository = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'app', namespace: 'ns', uid: 'u1', resourceVersion: '7' },
  spec: { url: 'http://localhost/app', interval: '1m' },
};
const info: EventInput = { severity: 'info', reason: 'NewArtifact', message: 'stored' };

let api: FakeApi;
let clock: FakeClock;
let published: FluxEvent[];
let recorder: EventRecorder;

beforeEach(() => {
  api = new FakeApi();
  clock = new FakeClock();
  published = [];
  recorder = recorderWith(async (event) => void published.push(event));
});

function recorderWith(publish: (event: FluxEvent) => Promise<void>): EventRecorder {
  return createEventRecorder({
    client: api.client,
    controllerName: 'source-controller',
    sink: { publish },
    logger: silentLogger,
    clock,
  });
}

function kubeEvents(): KubeEvent[] {
  return [...api.objects.values()] as KubeEvent[];
}

describe('events', () => {
  it('are in the sink, in the shape of Flux, when record resolves', async () => {
    await recorder.record(source, { ...info, metadata: { revision: 'main@sha1:1' } });
    expect(published).toEqual([
      {
        involvedObject: {
          apiVersion: 'source.toolkit.fluxcd.io/v1',
          kind: 'GitRepository',
          namespace: 'ns',
          name: 'app',
          uid: 'u1',
          resourceVersion: '7',
        },
        severity: 'info',
        timestamp: '2026-01-01T00:00:00.000Z',
        message: 'stored',
        reason: 'NewArtifact',
        metadata: { 'source.toolkit.fluxcd.io/revision': 'main@sha1:1' },
        reportingController: 'source-controller',
        reportingInstance: expect.any(String),
      },
    ]);
  });

  it.each([
    { severity: 'info', type: 'Normal', isPublished: true },
    { severity: 'error', type: 'Warning', isPublished: true },
    { severity: 'trace', type: 'Normal', isPublished: false },
  ] as const)('of severity $severity become $type', async ({ severity, type, isPublished }) => {
    await recorder.record(source, { ...info, severity });
    await recorder.flush();
    expect(published).toHaveLength(isPublished ? 1 : 0);
    expect(kubeEvents()).toMatchObject([
      {
        metadata: { namespace: 'ns' },
        type,
        reason: 'NewArtifact',
        message: 'stored',
        count: 1,
        involvedObject: { kind: 'GitRepository', name: 'app', uid: 'u1' },
        source: { component: 'source-controller' },
        reportingComponent: 'source-controller',
        firstTimestamp: '2026-01-01T00:00:00Z',
      },
    ]);
  });

  it('carry the annotations of the object that are meant for them, which win', async () => {
    const key = 'event.toolkit.fluxcd.io/env';
    const metadata = { ...source.metadata, annotations: { [key]: 'prod', other: 'x' } };
    const given = { [key]: 'given', 'kustomize.toolkit.fluxcd.io/token': 't', digest: 'd' };
    await recorder.record({ ...source, metadata }, { ...info, metadata: given });
    await recorder.flush();
    const expected = {
      [key]: 'prod',
      'kustomize.toolkit.fluxcd.io/token': 't',
      'source.toolkit.fluxcd.io/digest': 'd',
    };
    expect(published[0]?.metadata).toEqual(expected);
    expect(kubeEvents()[0]?.metadata.annotations).toEqual(expected);
  });

  it('have messages no longer than notification-controller takes', async () => {
    await recorder.record(source, { ...info, message: 'x'.repeat(50_000) });
    expect(published[0]?.message).toHaveLength(39_000);
  });

  it('that the sink refuses do not fail the caller', async () => {
    recorder = recorderWith(() => Promise.reject(new Error('no space')));
    await recorder.record(source, info);
    await recorder.flush();
    expect(kubeEvents()).toHaveLength(1);
  });

  it('wait for the sink, but not for the API server', async () => {
    const served = Promise.withResolvers<void>();
    api.before = () => served.promise;
    await recorder.record(source, info);
    expect(published).toHaveLength(1);
    expect(kubeEvents()).toHaveLength(0);
    served.resolve();
    await recorder.flush();
    expect(kubeEvents()).toHaveLength(1);
  });
});

describe('Kubernetes Events', () => {
  it('that are equal are counted up within ten minutes, then created anew', async () => {
    for (let i = 0; i < 3; i += 1) {
      await recorder.record(source, info);
      await recorder.flush();
      await clock.advance(60_000);
    }
    expect(kubeEvents()).toMatchObject([
      { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:02:00Z' },
    ]);
    await clock.advance(600_000);
    await recorder.record(source, info);
    await recorder.flush();
    expect(kubeEvents().map((e) => e.count)).toEqual([3, 1]);
  });

  it.each([
    { name: 'another message', change: { message: 'other' } },
    { name: 'another reason', change: { reason: 'Other' } },
    { name: 'another type', change: { severity: 'error' } },
    { name: 'other metadata', change: { metadata: { revision: '2' } } },
  ] as const)('with $name are not counted together', async ({ change }) => {
    await recorder.record(source, info);
    await recorder.record(source, { ...info, ...change });
    await recorder.flush();
    expect(kubeEvents()).toHaveLength(2);
  });

  describe('of what is said on the way', () => {
    const way = (message: string): EventInput => ({
      severity: 'info',
      reason: 'Progressing',
      message,
      metadata: { revision: '1' },
    });
    const told = () => kubeEvents().map(({ reason, message }) => `${reason}: ${message}`);

    it('are one with the event that comes within a second, and alerts get each', async () => {
      await recorder.record(source, way('a created'));
      await recorder.record(source, way('a healthy'));
      await recorder.record(source, { ...info, metadata: { token: 't' } });
      await recorder.flush();
      expect(told()).toEqual(['NewArtifact: a created\na healthy\nstored']);
      expect(kubeEvents()[0]?.metadata.annotations).toEqual({
        'source.toolkit.fluxcd.io/revision': '1',
        'source.toolkit.fluxcd.io/token': 't',
      });
      expect(published.map(({ message }) => message)).toEqual(['a created', 'a healthy', 'stored']);
    });

    it('are sent after a second without another', async () => {
      await recorder.record(source, way('a created'));
      await clock.advance(999);
      expect(told()).toEqual([]);
      await clock.advance(1);
      await recorder.record(source, info);
      await recorder.flush();
      expect(told()).toEqual(['Progressing: a created', 'NewArtifact: stored']);
    });

    it.each([
      { name: 'of a failure', next: { severity: 'error' }, first: 'short' },
      { name: 'that would get too long', next: {}, first: 'x'.repeat(4000) },
    ] as const)('are no part of one $name', async ({ next, first }) => {
      await recorder.record(source, way(first));
      await recorder.record(source, { ...info, ...next });
      await recorder.flush();
      expect(told()).toEqual([`Progressing: ${first}`, 'NewArtifact: stored']);
    });

    it('are no part of one of another object', async () => {
      await recorder.record(source, way('a created'));
      const other = { ...source, metadata: { ...source.metadata, uid: 'u2' } };
      await recorder.record(other, info);
      await recorder.flush();
      expect(told().toSorted()).toEqual(['NewArtifact: stored', 'Progressing: a created']);
    });
  });

  it('are not made of what is for alerts only', async () => {
    await recorder.record(source, { ...info, alertsOnly: true });
    await recorder.flush();
    expect(kubeEvents()).toEqual([]);
    expect(published).toHaveLength(1);
  });

  it('that expired in the API server are created anew', async () => {
    await recorder.record(source, info);
    await recorder.flush();
    api.objects.clear();
    await recorder.record(source, info);
    await recorder.flush();
    expect(kubeEvents()).toMatchObject([{ count: 1 }]);
  });

  it('are limited to 25 at once for each object, then one in five minutes', async () => {
    const other = { ...source, metadata: { ...source.metadata, name: 'other', uid: 'u2' } };
    for (let i = 0; i < 40; i += 1) await recorder.record(source, { ...info, message: `m${i}` });
    await recorder.record(other, info);
    await recorder.flush();
    expect(kubeEvents()).toHaveLength(26);
    await clock.advance(300_000);
    for (let i = 0; i < 5; i += 1) await recorder.record(source, { ...info, message: `n${i}` });
    await recorder.flush();
    expect(kubeEvents()).toHaveLength(27);
    expect(published).toHaveLength(46);
  });

  it('that cannot be written are given up, and the next are sent', async () => {
    api.before = ({ body }) => {
      if ((body as KubeEvent).message === 'bad') throw apiError(403, 'Forbidden');
    };
    await recorder.record(source, { ...info, message: 'bad' });
    await recorder.record(source, { ...info, message: 'good' });
    await recorder.flush();
    expect(kubeEvents().map((e) => e.message)).toEqual(['good']);
  });

  it('are flushed for a limited time', async () => {
    api.before = () => new Promise(() => undefined);
    await recorder.record(source, info);
    const flushed = recorder.flush(1000);
    await clock.advance(1000);
    await flushed;
    expect(kubeEvents()).toEqual([]);
  });

  it('wait in a bounded queue', async () => {
    const served = Promise.withResolvers<void>();
    api.before = () => served.promise;
    const object = (i: number) => ({ ...source, metadata: { ...source.metadata, uid: `u${i}` } });
    for (let i = 0; i < 6000; i += 1)
      await recorder.record(object(i), { ...info, message: `${i}` });
    served.resolve();
    await recorder.flush();
    expect(kubeEvents().length).toBe(5001);
    expect(published).toHaveLength(6000);
  });
});
