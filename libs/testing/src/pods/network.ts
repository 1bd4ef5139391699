import { execFile } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { freePorts } from '../ports.ts';
import { ServerProcess } from '../server-process.ts';
import { type Endpoint, type Forward, Forwards } from './forward.ts';
import type { Program } from './requirements.ts';

/** The range that kwok takes the addresses of Pods from, and the address of the node in it. */
const podBits = 16;
const nodeAddress = '10.0.255.254';
const serviceRange = '10.96.0.0/16';

/**
 * The network of one test node: a network namespace with a bridge for Pods, in which a process plays kube-proxy. Nothing
 * of it is visible outside, so that any number of them run at once, and it is gone when its processes are. Connections
 * between it and the test go over socket files.
 */
export class PodNetwork {
  /** Where Pods reach what `expose` was called for. */
  readonly hostAddress = nodeAddress;
  readonly #dir: string;
  readonly #programs: Record<Program, string>;
  readonly #proxy: ServerProcess;
  readonly #inside = new Map<string, Forward>();
  readonly #outside = new Map<string, Forward>();
  readonly #outsideForwards = new Forwards();
  #services: Forward[] = [];
  #applying: Promise<void> = Promise.resolve();
  #pods = 0;

  constructor(o: { dir: string; programs: Record<Program, string> }) {
    this.#dir = o.dir;
    this.#programs = o.programs;
    const control = this.#controlPath;
    this.#proxy = new ServerProcess({
      file: o.programs.unshare,
      args: [
        '--net',
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        join(import.meta.dirname, 'proxy-main.ts'),
        control,
      ],
      logFile: join(o.dir, 'proxy.log'),
      isReady: async () => existsSync(control),
    });
  }

  async start(): Promise<void> {
    await this.#proxy.start();
    await this.#ip(this.#proxy.pid as number, [
      'link set lo up',
      'link add pods type bridge',
      `addr add ${nodeAddress}/${podBits} dev pods`,
      'link set pods up',
      `route add local ${serviceRange} dev lo`,
    ]);
  }

  /** Ends everything in the namespace that this class started. */
  async stop(): Promise<void> {
    await this.#outsideForwards.set([]);
    await this.#proxy.kill();
  }

  /** Makes a network namespace with that address, connected to the others; returns the process that holds it. */
  async addPod(ip: string, logFile: string): Promise<ServerProcess> {
    const pause: ServerProcess = new ServerProcess({
      file: this.#programs.unshare,
      args: ['--net', '--uts', '--ipc', this.#programs.sleep, 'infinity'],
      logFile,
      isReady: async () => hasOwnNetwork(pause.pid),
    });
    await pause.start();
    const link = `pod${this.#pods++}`;
    await this.#ip(this.#proxy.pid as number, [
      `link add ${link} type veth peer name eth0 netns ${pause.pid}`,
      `link set ${link} master pods up`,
    ]);
    await this.#ip(pause.pid as number, [
      'link set lo up',
      // Others remember which hardware address belongs to an address, also when it goes to another Pod.
      `link set eth0 address ${hardwareAddress(ip)}`,
      `addr add ${ip}/${podBits} dev eth0`,
      'link set eth0 up',
      `route add default via ${nodeAddress}`,
    ]);
    return pause;
  }

  /** Replaces the addresses of Services and what is behind them. */
  async setServices(services: Forward[]): Promise<void> {
    this.#services = services;
    await this.#apply();
  }

  /** Lets Pods reach a port that the test has on its loopback address, at `hostAddress` or where told. */
  async expose(port: number, at: Endpoint = { host: nodeAddress, port }): Promise<void> {
    const path = join(this.#dir, `host-${port}.sock`);
    this.#outside.set(path, { from: { path }, to: [{ host: '127.0.0.1', port }] });
    this.#inside.set(JSON.stringify(at), { from: at, to: [{ path }] });
    await this.#apply();
  }

  /** Lets the test reach an address in the network; returns host and port on the loopback address. */
  async reach(host: string, port: number): Promise<string> {
    const path = join(this.#dir, `pod-${host}-${port}.sock`);
    const present = this.#outside.get(path);
    const from = present
      ? (present.from as { port: number })
      : { host: '127.0.0.1', port: (await freePorts(1))[0] as number };
    if (!present) {
      this.#outside.set(path, { from: from as Endpoint, to: [{ path }] });
      this.#inside.set(path, { from: { path }, to: [{ host, port }] });
      await this.#apply();
    }
    return `127.0.0.1:${from.port}`;
  }

  /** Whether something accepts connections there. */
  async accepts(host: string, port: number): Promise<boolean> {
    const { status } = await ask(this.#controlPath, 'GET', `/?host=${host}&port=${port}`);
    return status === 200;
  }

  #apply(): Promise<void> {
    const next = this.#applying.then(async () => {
      const table = JSON.stringify([...this.#inside.values(), ...this.#services]);
      const { status, text } = await ask(this.#controlPath, 'PUT', '/', table);
      if (status !== 200) throw new Error(`the proxy of the test node: ${text}`);
      await this.#outsideForwards.set([...this.#outside.values()]);
    });
    this.#applying = next.catch(() => {});
    return next;
  }

  get #controlPath(): string {
    return join(this.#dir, 'control.sock');
  }

  /** Runs commands of `ip` in the network namespace of a process. */
  #ip(pid: number, commands: string[]): Promise<void> {
    const args = ['--target', String(pid), '--net', this.#programs.ip, '-batch', '-'];
    return new Promise((resolve, reject) => {
      const child = execFile(this.#programs.nsenter, args, (error, _stdout, stderr) => {
        if (error) reject(new Error(`ip: ${stderr || error.message}`));
        else resolve();
      });
      child.stdin?.end(`${commands.join('\n')}\n`);
    });
  }
}

/** A hardware address, of those that anyone may use, for an address. */
function hardwareAddress(ip: string): string {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '00', ...bytes].join(':');
}

function hasOwnNetwork(pid: number | undefined): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net');
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  body = '',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path }, async (response) => {
      resolve({ status: response.statusCode ?? 0, text: await readAll(response) });
    });
    call.on('error', reject);
    call.end(body);
  });
}
