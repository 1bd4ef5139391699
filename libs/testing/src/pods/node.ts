/**
 * A test node: the Pods of real Deployments and StatefulSets run as real processes, each container with the arguments,
 * environment, volumes, ServiceAccount token and restrictions that its Pod says, in a network of its own.
 *
 *     const node = await startPodNode({ controlPlane, dir, namespaces: ['flux-system'], image: localImages({ … }) });
 *     await node.expose(port);                      // Pods reach what the test has on 127.0.0.1:port …
 *     const url = `http://${node.hostAddress}:${port}`;  // … here
 *     await helm('install', …);                     // Pods start when the scheduler and kwok have placed them
 *     const pod = await node.untilReady('flux-system', { app: 'source-controller' });
 *     const metrics = `http://${await pod.reach(8080)}/metrics`;
 *     await node.stop();
 *
 * To run built images give an `image` of your own: `(reference) => ({ rootfs, entrypoint, env, user })` with the folder
 * that the image was unpacked into and what its configuration says; see {@link PodImage}.
 *
 * What is real: API objects, scheduling, addresses of Pods and Services (EndpointSlices), tokens (TokenRequest), Secrets
 * and ConfigMaps, readiness probes, user, groups, read-only root, capabilities. What is not: kwok says at once that a Pod
 * is ready, names come from /etc/hosts instead of a DNS server, resource limits and NetworkPolicies are not enforced,
 * tokens and mounted Secrets are not renewed.
 */
import { writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, Informer } from '@sluice/shared/kube';
import { openApi } from '../api-access.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { PodImage } from './image.ts';
import { PodNetwork } from './network.ts';
import { findPrograms } from './requirements.ts';
import { type PodContext, RunningPod } from './running-pod.ts';
import { type EndpointSlice, forwardsOf, hostsFile, type Service } from './services.ts';
import type { Pod } from './types.ts';

export interface PodNodeOptions {
  controlPlane: Pick<ControlPlane, 'kubeconfigPath' | 'server'>;
  /** For logs, volumes and sockets; kept short, for paths of sockets are limited to 107 characters. */
  dir: string;
  /** Pods of these namespaces run; all others exist in the API only. */
  namespaces: string[];
  /** Finds the image of a reference. */
  image: (reference: string) => PodImage;
}

export interface PodNode {
  /** Where Pods reach what `expose` was called for. */
  readonly hostAddress: string;
  /** The Pods that run now. */
  readonly pods: RunningPod[];
  /** Lets Pods reach a port on this machine's loopback address. */
  expose(port: number): Promise<void>;
  /** Where the test reaches a port of a Service, as `host:port`. */
  reachService(namespace: string, name: string, port: number): Promise<string>;
  /**
   * Waits until there are Pods with these labels, and all of them run and answer their readiness probes.
   *
   * @returns the first of them
   * @throws Error with the ends of their logs when time is up
   */
  untilReady(
    namespace: string,
    labels: Record<string, string>,
    timeoutMs?: number,
  ): Promise<RunningPod>;
  /** Ends all Pods and the network. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 60_000;
const pods: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
};
const services: ApiResource = { ...pods, kind: 'Service', plural: 'services' };
const slices: ApiResource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

/**
 * Starts a test node for a control plane with kwok. Needs root on Linux, see `podsCannotRun`.
 *
 * @throws Error naming programs that are not installed
 */
export async function startPodNode(o: PodNodeOptions): Promise<PodNode> {
  const node = new Node(o);
  try {
    await node.start();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

class Node implements PodNode {
  readonly #options: PodNodeOptions;
  readonly #network: PodNetwork;
  readonly #programs = findPrograms();
  readonly #running = new Map<string, RunningPod>();
  readonly #ending = new Set<RunningPod>();
  #failure = '';
  readonly #stops = new AsyncDisposableStack();
  #context!: PodContext;
  #services!: Informer<Service & KubeObject>;
  #slices!: Informer<EndpointSlice & KubeObject>;

  constructor(o: PodNodeOptions) {
    this.#options = o;
    this.#network = new PodNetwork({ dir: o.dir, programs: this.#programs });
  }

  get hostAddress(): string {
    return this.#network.hostAddress;
  }

  get pods(): RunningPod[] {
    return [...this.#running.values()];
  }

  async start(): Promise<void> {
    const { dir, controlPlane, image } = this.#options;
    await mkdir(dir, { recursive: true });
    const api = await openApi(controlPlane.kubeconfigPath);
    this.#stops.defer(() => api.close());
    const files = {
      '/etc/hosts': join(dir, 'hosts'),
      '/etc/resolv.conf': join(dir, 'resolv.conf'),
    };
    for (const file of Object.values(files)) await writeFile(file, '');
    this.#stops.defer(() => this.#network.stop());
    await this.#network.start();
    this.#context = { api, network: this.#network, image, programs: this.#programs, files, dir };
    await this.#network.expose(Number(new URL(controlPlane.server).port), {
      host: '10.96.0.1',
      port: 443,
    });
    await this.#watch();
  }

  expose(port: number): Promise<void> {
    return this.#network.expose(port);
  }

  reachService(namespace: string, name: string, port: number): Promise<string> {
    const service = this.#services.get(`${namespace}/${name}`);
    if (!service?.spec.clusterIP) throw new Error(`there is no Service ${namespace}/${name}`);
    return this.#network.reach(service.spec.clusterIP, port);
  }

  async untilReady(
    namespace: string,
    labels: Record<string, string>,
    timeoutMs = readyTimeoutMs,
  ): Promise<RunningPod> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.pods.filter(
        ({ pod: { metadata } }) =>
          metadata.namespace === namespace &&
          Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value),
      );
      const ready = await Promise.all(found.map((pod) => pod.ready()));
      if (found[0] && ready.every(Boolean)) return found[0];
      if (Date.now() > deadline || found.some(({ failure }) => failure)) {
        const what = `${JSON.stringify(labels)} in ${namespace}`;
        const details = [this.#failure, ...found.map((pod) => pod.logs())];
        throw new Error(`${found.length} Pods with ${what}, not ready:\n${details.join('\n')}`);
      }
      await delay(50);
    }
  }

  async stop(): Promise<void> {
    await this.#stops.disposeAsync();
  }

  async #watch(): Promise<void> {
    // Loaded here so that starting servers does not need the client under test.
    const { createInformer, createKubeClient, loadKubeConfig } = await import(
      '@sluice/shared/kube'
    );
    const config = loadKubeConfig({ path: this.#options.controlPlane.kubeconfigPath });
    const client = createKubeClient(config, { userAgent: 'sluice-test-node' });
    this.#stops.defer(() => client.close());
    this.#services = createInformer({ client, resource: services });
    this.#slices = createInformer({ client, resource: slices });
    this.#stops.defer(() => this.#killPods());
    for (const informer of [this.#services, this.#slices]) {
      informer.onEvent(() => this.#syncServices());
      informer.start();
      this.#stops.defer(() => informer.stop());
    }
    await Promise.all([this.#services.synced(), this.#slices.synced()]);
    for (const namespace of this.#options.namespaces) {
      const informer = createInformer<Pod>({ client, resource: pods, namespace });
      informer.onEvent(({ type, object }) => this.#onPod(type, object));
      informer.start();
      this.#stops.defer(() => informer.stop());
      await informer.synced();
    }
  }

  #onPod(type: 'added' | 'modified' | 'deleted', pod: Pod): void {
    const uid = pod.metadata.uid as string;
    const present = this.#running.get(uid);
    const isGone = type === 'deleted' || pod.metadata.deletionTimestamp !== undefined;
    if (isGone && present) {
      this.#running.delete(uid);
      this.#ending.add(present);
      void present.stop().then(() => this.#ending.delete(present));
    }
    if (isGone || present || !pod.status?.podIP) return;
    const running = new RunningPod(pod, this.#context);
    this.#running.set(uid, running);
    // kwok gives an address away again before the Pod that had it has ended.
    const predecessors = [...this.#ending].filter(({ ip }) => ip === running.ip);
    running.start(Promise.all(predecessors.map(({ stopped }) => stopped)));
  }

  async #killPods(): Promise<void> {
    await Promise.all([...this.#running.values(), ...this.#ending].map((pod) => pod.kill()));
  }

  #syncServices(): void {
    if (!this.#services.hasSynced || !this.#slices.hasSynced) return;
    const all = this.#services.list();
    const endpoints = this.#slices.list();
    void this.#network.setServices(forwardsOf(all, endpoints)).catch((error: Error) => {
      this.#failure = error.message;
    });
    writeFileSync(this.#context.files['/etc/hosts'] as string, hostsFile(all, endpoints));
  }
}
