import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { FluxEvent, KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  createKubeClient,
  gvkOf,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import {
  type Alertmanager,
  type ControllerName,
  type Controllers,
  type ControllersOptions,
  type ControlPlane,
  type GitRepository,
  type GitServer,
  installCrds,
  type NatsServer,
  receiveWebhooks,
  startAlertmanager,
  startControllers,
  startControlPlane,
  startGitServer,
  startNats,
  temporaryFolder,
  type WebhookReceiver,
} from '@sluice/testing';

const root = join(import.meta.dirname, '../..');
/** How long a test waits for a state of the world, in milliseconds. */
export const timeoutMs = 90_000;
export const hmacKey = 'canary-of-the-key-that-signs-webhooks';
export const receiverToken = 'canary-of-the-token-that-signs-pushes';
/** Part of the address of the Slack webhook, which is a secret as a whole. */
export const slackToken = 'canary-of-the-slack-webhook';
export const releaseValue = 'canary-of-a-value-of-a-release';

/** What the tests want of the controllers, whatever runs them. */
export interface RunningControllers {
  processes: Record<
    ControllerName,
    { name: string; metricsUrl: string; readonly pid: number | undefined }
  >;
  /** Base URL of the webhook receivers. */
  receiverUrl: string;
}

/** What the controllers work with besides the cluster: Git and receivers of alerts, all on the loopback address. */
export interface Surroundings {
  git: GitServer;
  repo: GitRepository;
  slack: WebhookReceiver;
  hmac: WebhookReceiver;
  alertmanager: Alertmanager;
}

/** Real parts, wired as a platform team would: a cluster, NATS, Git, the controllers, and receivers of alerts. */
export interface World extends Surroundings {
  client: KubeClient;
  controlPlane: ControlPlane;
  controllers: RunningControllers;
  /** Everything that the controllers and NATS have written is below it. */
  dir: string;
  /** The URL by which the controllers reach what the test has at a URL on the loopback address. */
  reach(url: string): string;
  resource(object: { apiVersion: string; kind: string }): Promise<ApiResource>;
  apply(object: KubeObject): Promise<KubeObject>;
  stop(): Promise<void>;
}

/** A world in which the controllers and NATS are processes on the loopback address, to kill and start at will. */
export interface LocalWorld extends World {
  nats: NatsServer;
  controllers: Controllers;
}

/** Starts Git, with the repository `shop`, and the receivers of alerts. */
export async function startSurroundings(started: AsyncDisposableStack): Promise<Surroundings> {
  const [git, slack, hmac, alertmanager] = await Promise.all([
    startGitServer(),
    receiveWebhooks(),
    receiveWebhooks(),
    startAlertmanager(),
  ]);
  started.defer(() => git.stop());
  started.defer(() => slack.close());
  started.defer(() => hmac.close());
  started.defer(() => alertmanager.stop());
  return { git, repo: await git.createRepo('shop'), slack, hmac, alertmanager };
}

/**
 * Admin access to the cluster of a world.
 *
 * @param fieldManager in whose name objects are applied
 */
export function openCluster(
  started: AsyncDisposableStack,
  controlPlane: ControlPlane,
  fieldManager = 'e2e',
): Pick<World, 'client' | 'resource' | 'apply'> {
  const client = createKubeClient(loadKubeConfig({ path: controlPlane.kubeconfigPath }));
  started.defer(() => client.close());
  const resource = (object: { apiVersion: string; kind: string }) =>
    client.mapper.resourceFor(gvkOf(object));
  const apply = async (object: KubeObject) => {
    const { object: applied } = await client.apply(await resource(object), object, {
      fieldManager,
      force: true,
    });
    return applied;
  };
  return { client, resource, apply };
}

/** Starts everything; `stop` ends all of it, also when a part failed to start. */
export async function startWorld(
  o: { natsDown?: boolean; controllers?: Partial<ControllersOptions> } = {},
): Promise<LocalWorld> {
  const started = new AsyncDisposableStack();
  const stop = () => started.disposeAsync();
  try {
    const folder = await temporaryFolder('e2e');
    started.defer(() => folder.remove());
    const [controlPlane, nats, surroundings] = await Promise.all([
      startControlPlane(),
      startNats({ dir: join(folder.path, 'nats') }),
      startSurroundings(started),
    ]);
    started.defer(() => controlPlane.stop());
    started.defer(() => nats.stop());
    await installCrds(root, controlPlane.kubeconfigPath);
    if (o.natsDown) await nats.kill();
    const cluster = openCluster(started, controlPlane);
    const controllers = await startControllers({
      dir: folder.path,
      kubeconfigPath: controlPlane.kubeconfigPath,
      natsUrl: nats.url,
      ...o.controllers,
    });
    started.defer(() => controllers.stop());
    const reach = (url: string) => url;
    const dir = folder.path;
    return { dir, ...cluster, ...surroundings, controlPlane, nats, controllers, reach, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The events that a signed webhook received, after checking each signature. */
export function signedEvents(sink: WebhookReceiver): FluxEvent[] {
  return sink.requests.map(({ headers, body }) => {
    const expected = `sha256=${createHmac('sha256', hmacKey).update(body).digest('hex')}`;
    if (headers['x-signature'] !== expected)
      throw new Error(`wrong X-Signature: ${headers['x-signature']}`);
    return JSON.parse(body) as FluxEvent;
  });
}

/** The texts that a Slack webhook received, one per message: its attachments' text. */
export function slackTexts(sink: WebhookReceiver): string[] {
  return sink.requests.map(({ body }) => {
    const message = JSON.parse(body) as { attachments: { text: string }[] };
    return message.attachments.map((attachment) => attachment.text).join('\n');
  });
}
