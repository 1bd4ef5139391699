import { randomBytes } from 'node:crypto';
import type { ArtifactNotice, FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, connectBus, onArtifacts } from '@sluice/shared/bus';
import {
  type GitRepository,
  type GitServer,
  receiveWebhooks,
  startGitServer,
  testCluster,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SourceBed, startSourceBed } from '../source-bed.ts';

let server: GitServer;
let repo: GitRepository;
let first: string;

beforeAll(async () => {
  server = await startGitServer();
  repo = await server.createRepo('app');
  const message = `Add the first files, with ${'many '.repeat(10)}words\n\nBody.`;
  first = await repo.commit({ files: { 'a.yaml': 'a: 1\n' }, message });
});
afterAll(() => server?.stop());

const spec = () => ({ url: server.url('app'), ref: { branch: 'main' } });

describe('events of a GitRepository', () => {
  let bed: SourceBed;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    receiver = await receiveWebhooks();
    bed = await startSourceBed({ extraArgs: [`--events-addr=${receiver.url}`] });
  });
  afterAll(async () => {
    await bed?.stop();
    await receiver?.close();
  });

  it('tell a new artifact, a failure with its reason, and the recovery', async () => {
    const object = await bed.createGit('app', spec());
    const ready = await bed.ready(object);
    await repo.git(['branch', 'backup', 'main']);
    await repo.deleteRef('refs/heads/main');
    await bed.request(object);
    await bed.failed(object, 'GitOperationFailed');
    await repo.setRef('refs/heads/main', first);
    await bed.ready(object);

    const isRecovery = (event: FluxEvent) => event.reason === 'Succeeded';
    await receiver.waitFor((request) => isRecovery(JSON.parse(request.body)));
    const events = receiver.requests.map((request) => JSON.parse(request.body) as FluxEvent);
    expect(ready.status?.artifact?.metadata).toMatchObject({
      'facts.sluice.dev/commitAuthor': 'Test Author',
      'facts.sluice.dev/commitSubject': expect.stringMatching(
        /^Add the first files, with (many ){10}words$/,
      ),
      'facts.sluice.dev/sourceURL': server.url('app'),
    });
    const [created] = events;
    expect(created).toMatchObject({
      severity: 'info',
      reason: 'NewArtifact',
      message: "stored artifact for commit 'Add the first files, with many many many many many...'",
      reportingController: 'source-controller',
      involvedObject: { kind: 'GitRepository', name: 'app', namespace: bed.namespace },
      metadata: {
        'source.toolkit.fluxcd.io/revision': `main@sha1:${first}`,
        'source.toolkit.fluxcd.io/digest': ready.status?.artifact?.digest,
      },
    });
    const failure = events.find((event) => event.severity === 'error');
    expect(failure).toMatchObject({ reason: 'GitOperationFailed' });
    expect(failure?.message).toContain(`couldn't find remote ref "refs/heads/main"`);
    expect(events.filter((event) => event.reason === 'NewArtifact')).toHaveLength(1);
  });
});

describe('artifacts of a GitRepository', () => {
  let bed: SourceBed;
  let bus: Bus;

  beforeAll(async () => {
    const prefix = `test-${randomBytes(4).toString('hex')}`;
    const { natsUrl } = await testCluster();
    bus = connectBus({ url: natsUrl, prefix, name: 'test', owns: [], logger: silentLogger });
    await bus.ready();
    bed = await startSourceBed({ natsPrefix: prefix });
  });
  afterAll(async () => {
    await bed?.stop();
    await bus?.close();
  });

  it('are announced on the bus, once for each', async () => {
    const notices: ArtifactNotice[] = [];
    let heard = () => {};
    const subscription = onArtifacts(bus, (notice) => {
      notices.push(notice);
      heard();
    });
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        heard = () => {
          if (notices.length >= count) resolve();
        };
        heard();
      });

    const object = await bed.createGit('app', spec());
    const { artifact } = (await bed.ready(object)).status ?? {};
    await until(1);
    await bed.request(object);
    const sha = await repo.commit({ files: { 'b.yaml': 'b: 1\n' } });
    await bed.request(object);
    await until(2);

    expect(notices.map((notice) => notice.artifact.revision)).toEqual([
      `main@sha1:${first}`,
      `main@sha1:${sha}`,
    ]);
    expect(notices[0]).toMatchObject({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      namespace: bed.namespace,
      name: 'app',
      artifact,
    });
    await subscription.stop();
  });
});
