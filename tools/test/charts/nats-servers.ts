import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePorts, ServerProcess, temporaryFolder, toolPath } from '@sluice/testing';
import { find, type Rendered, render } from './render.ts';

/** NATS servers as the umbrella runs them, as processes on the loopback address. */
export interface ChartNats {
  /** Addresses of all servers, with commas between. */
  url: string;
  servers: ServerProcess[];
  /** A file with the password of a user. */
  passwordFile(user: string): string;
  /** Starts the servers again with the configuration of the chart, whatever they were started with. */
  upgrade(): Promise<void>;
  /** Connects as one who may do everything, who is not in the chart. */
  admin(): Promise<NatsConnection>;
  stop(): Promise<void>;
}

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { key: string } };
}

const admin = { user: 'test-admin', pass: 'password-of-test-admin' };

/** Replaces what is the pod's: ports that are the same in each pod, and paths. Adds the administrator. */
function onLoopback(config: string, dir: string, ports: number[]): string {
  const [client, monitor, cluster] = ports;
  return config
    .replace('port: 4222', `listen: 127.0.0.1:${client}`)
    .replace('http_port: 8222', `http: 127.0.0.1:${monitor}`)
    .replace('port: 6222', `listen: 127.0.0.1:${cluster}`)
    .replace('/tmp/nats.pid', join(dir, 'nats.pid'))
    .replace('users: [', `users: [{ user: ${admin.user}, password: ${admin.pass} },`)
    .replace('store_dir: /data', `store_dir: ${JSON.stringify(join(dir, 'data'))}`);
}

/** The environment of the container, with routes to the ports of the other servers. */
function environment(pod: number, objects: Rendered[], ports: number[][]): Record<string, string> {
  const [container] = find(objects, 'StatefulSet', 'sluice-nats')['spec'].template.spec.containers;
  const secret = find(objects, 'Secret', 'sluice-nats')['data'] as Record<string, string>;
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env as Variable[]) {
    const key = valueFrom?.secretKeyRef?.key;
    if (key !== undefined) env[name] = Buffer.from(secret[key] ?? '', 'base64').toString();
    else if (value === undefined) env[name] = `sluice-nats-${pod}`;
    else {
      const expanded = value.replace(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? '');
      env[name] = expanded.replace(
        /@sluice-nats-(\d)\.sluice-nats-headless\.[a-z.-]+:6222$/,
        (_, peer: string) => `@127.0.0.1:${ports[Number(peer)]?.[2]}`,
      );
    }
  }
  return env;
}

/**
 * Starts the servers of the umbrella's StatefulSet, with its configuration and its environment.
 *
 * @param change makes the configuration of another version of the chart
 */
export async function startChartNats(
  settings: string[],
  change = (config: string) => config,
): Promise<ChartNats> {
  const [folder, objects] = await Promise.all([
    temporaryFolder('nats'),
    render('sluice', settings),
  ]);
  const replicas = find(objects, 'StatefulSet', 'sluice-nats')['spec'].replicas as number;
  const config = find(objects, 'ConfigMap', 'sluice-nats')['data']['nats.conf'] as string;
  const free = await freePorts(3 * replicas);
  const ports = Array.from({ length: replicas }, (_, pod) => free.slice(3 * pod, 3 * pod + 3));
  const dirOf = (pod: number) => join(folder.path, `sluice-nats-${pod}`);
  const configure = (text: string) =>
    Promise.all(
      ports.map((own, pod) =>
        writeFile(join(dirOf(pod), 'nats.conf'), onLoopback(text, dirOf(pod), own)),
      ),
    );
  await Promise.all(ports.map((_, pod) => mkdir(dirOf(pod))));
  await configure(change(config));
  const servers = ports.map(
    (own, pod) =>
      new ServerProcess({
        file: toolPath('nats-server'),
        args: ['--config', join(dirOf(pod), 'nats.conf')],
        logFile: join(dirOf(pod), 'log'),
        env: environment(pod, objects, ports),
        isReady: () => isHealthy(`http://127.0.0.1:${own[1]}/healthz?js-server-only=true`),
      }),
  );
  const stop = async () => {
    await Promise.all(servers.map((server) => server.kill()));
    await folder.remove();
  };
  try {
    await writePasswords(folder.path, objects);
    await Promise.all(servers.map((server) => server.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: ports.map(([client]) => `nats://127.0.0.1:${client}`).join(','),
    servers,
    async upgrade() {
      await configure(config);
      await Promise.all(servers.map((server) => server.stop()));
      await Promise.all(servers.map((server) => server.start()));
    },
    passwordFile: (user) => join(folder.path, user),
    admin: () => connect({ servers: ports.map(([client]) => `127.0.0.1:${client}`), ...admin }),
    stop,
  };
}

async function writePasswords(dir: string, objects: Rendered[]): Promise<void> {
  const secret = find(objects, 'Secret', 'sluice-nats')['data'] as Record<string, string>;
  for (const [user, password] of Object.entries(secret))
    await writeFile(join(dir, user), Buffer.from(password, 'base64'), { mode: 0o600 });
}

async function isHealthy(url: string): Promise<boolean> {
  // Refused while the server starts: asked again until the time limit.
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
