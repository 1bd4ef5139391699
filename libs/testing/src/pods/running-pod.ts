import { mkdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiAccess } from '../api-access.ts';
import type { ServerProcess } from '../server-process.ts';
import { mainPid, prepareContainer } from './container.ts';
import { environmentOf } from './environment.ts';
import type { PodImage } from './image.ts';
import type { PodNetwork } from './network.ts';
import type { Program } from './requirements.ts';
import type { Container, Pod, Probe } from './types.ts';
import { makeVolumes } from './volumes.ts';

/** What all Pods of a test node have in common. */
export interface PodContext {
  api: ApiAccess;
  network: PodNetwork;
  image: (reference: string) => PodImage;
  programs: Record<Program, string>;
  /** `/etc/hosts` and alike: path in the container to path on this machine. */
  files: Record<string, string>;
  dir: string;
}

const restartDelayMs = 500;
const initTimeoutMs = 60_000;

/** A Pod whose containers are processes; a container that ends is started again, as `restartPolicy: Always` says. */
export class RunningPod {
  readonly pod: Pod;
  /** Logs and volumes of the Pod are below it; each container's log is `<container>/log`. */
  readonly dir: string;
  /** Resolves when it has been stopped; at once before anybody asks for it. */
  stopped: Promise<void> = Promise.resolve();
  /** Why it could not be started. */
  failure: Error | undefined;
  /** How often a container was started again because it ended. */
  restarts = 0;
  readonly #context: PodContext;
  readonly #containers = new Map<string, ServerProcess>();
  #pause: ServerProcess | undefined;
  #started: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(pod: Pod, context: PodContext) {
    this.pod = pod;
    this.#context = context;
    const { name, uid = '' } = pod.metadata;
    // A Pod that takes the place of another of its name, as those of a StatefulSet do, starts with empty volumes.
    this.dir = join(context.dir, `${name}-${uid.slice(0, 8)}`);
  }

  get ip(): string {
    return this.pod.status?.podIP as string;
  }

  logFile(container: string): string {
    return join(this.dir, container, 'log');
  }

  /** The last lines that its containers wrote. */
  logs(lines = 20): string {
    const ends = this.failure ? [`${this.pod.metadata.name}: ${this.failure.message}`] : [];
    const written = [...this.#containers].map(([name, process]) => {
      return `${this.pod.metadata.name}/${name}:\n${process.log(lines)}`;
    });
    return [...ends, ...written].join('\n');
  }

  /** The process id, on this machine, of what a container runs. */
  async pid(container: string): Promise<number | undefined> {
    const process = this.#containers.get(container);
    return process && mainPid(process);
  }

  /** Kills what a container runs; it is started again. */
  async killContainer(container: string): Promise<void> {
    await this.#containers.get(container)?.kill();
  }

  /** Where the test reaches a port of the Pod, as `host:port`. */
  reach(port: number): Promise<string> {
    return this.#context.network.reach(this.ip, port);
  }

  /** Begins to start once `after` has resolved; `ready` tells when it has, `failure` why it cannot. */
  start(after: Promise<unknown>): void {
    const start = after.then(() => (this.#stopping ? undefined : this.#start()));
    this.#started = start.catch((error: Error) => {
      this.failure = error;
    });
  }

  async #start(): Promise<void> {
    const { api, network } = this.#context;
    await mkdir(this.dir, { recursive: true });
    this.#pause = await network.addPod(this.ip, join(this.dir, 'pause.log'));
    const volumes = await makeVolumes(api, this.pod, join(this.dir, 'volumes'));
    for (const container of this.pod.spec.initContainers ?? []) {
      await this.#runToEnd(container, volumes);
    }
    for (const container of this.pod.spec.containers) {
      const process = await this.#prepare(container, volumes);
      this.#containers.set(container.name, process);
      await process.start();
      this.#restartWhenGone(process);
    }
  }

  /** Ends the containers with SIGTERM, then everything else. */
  stop(): Promise<void> {
    const grace = (this.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
    this.stopped = this.#end((process) => process.stop(grace));
    return this.stopped;
  }

  /** Ends everything at once. */
  async kill(): Promise<void> {
    await this.#end((process) => process.kill());
  }

  async #end(end: (process: ServerProcess) => Promise<void>): Promise<void> {
    this.#stopping = true;
    await this.#started;
    await Promise.all([...this.#containers.values()].map(end));
    await this.#pause?.kill();
  }

  /** Whether all containers run and answer their readiness probes. */
  async ready(): Promise<boolean> {
    if (this.#containers.size < this.pod.spec.containers.length) return false;
    const probes = this.pod.spec.containers.map((container) =>
      this.#answers(container, container.readinessProbe),
    );
    return (await Promise.all(probes)).every(Boolean);
  }

  /** Whether all containers answer their liveness probes. */
  async live(): Promise<boolean> {
    const probes = this.pod.spec.containers.map((container) =>
      this.#answers(container, container.livenessProbe),
    );
    return (await Promise.all(probes)).every(Boolean);
  }

  async #prepare(container: Container, volumes: Record<string, string>): Promise<ServerProcess> {
    const { api, image: imageOf, files, programs } = this.#context;
    const image = imageOf(container.image);
    const environment = await environmentOf(api, this.pod, container, image.env);
    return prepareContainer({
      pod: this.pod,
      container,
      image,
      environment,
      volumes,
      files,
      pause: this.#pause?.pid as number,
      dir: this.dir,
      programs,
    });
  }

  async #runToEnd(container: Container, volumes: Record<string, string>): Promise<void> {
    const process = await this.#prepare(container, volumes);
    await process.start();
    const late = delay(initTimeoutMs, 'late', { ref: false });
    if ((await Promise.race([process.gone, late])) === 'late') {
      await process.kill();
      throw new Error(`${container.name} did not end:\n${process.log()}`);
    }
  }

  #restartWhenGone(process: ServerProcess): void {
    void process.gone.then(async () => {
      await delay(restartDelayMs, undefined, { ref: false });
      if (this.#stopping) return;
      this.restarts++;
      await process.start();
      this.#restartWhenGone(process);
    });
  }

  async #answers(container: Container, probe: Probe | undefined): Promise<boolean> {
    if (!probe) return true;
    const named = probe.httpGet?.port ?? probe.tcpSocket?.port;
    const port =
      typeof named === 'number'
        ? named
        : container.ports?.find(({ name }) => name === named)?.containerPort;
    if (port === undefined) throw new Error(`${container.name}: a probe of an unknown port`);
    if (!probe.httpGet) return this.#context.network.accepts(this.ip, port);
    return getsOk(`http://${await this.reach(port)}${probe.httpGet.path ?? '/'}`);
  }
}

function getsOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 400);
    });
    call.on('error', () => resolve(false));
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.end();
  });
}
