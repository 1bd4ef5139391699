import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiAccess, expectSuccess, openApi } from './api-access.ts';
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSigningKey,
} from './certificates.ts';
import {
  apiServer,
  type ControlPlaneLayout,
  controllerManager,
  etcdServer,
  kwok,
  scheduler,
} from './control-plane-servers.ts';
import { temporaryFolder } from './guard.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import { freePorts } from './ports.ts';
import type { ServerProcess } from './server-process.ts';

export interface ControlPlaneOptions {
  /** A fake node on which pods get ready; true when absent. Needs the scheduler. */
  kwok?: boolean;
  /** True when absent. */
  scheduler?: boolean;
  /** Where data and logs are kept; a temporary folder, removed at the end, when absent. */
  dir?: string;
  /** etcd writes through to the disk; false when absent. */
  durable?: boolean;
  /** The API server writes down who asked for what, see `auditedRequests`; false when absent. */
  audit?: boolean;
  /** Issuer of the tokens of ServiceAccounts; that of most clusters when absent. */
  issuer?: string;
  /** Other issuers whose tokens the API server takes, as `jwt` of its AuthenticationConfiguration has them. */
  trusted?: readonly object[];
}

export interface ControlPlane {
  /** Admin access (group system:masters). */
  readonly kubeconfigPath: string;
  /** Base URL of the API server. */
  readonly server: string;
  /** Folder with data and logs. */
  readonly dir: string;
  /** The servers by name, to stop, kill and restart them. */
  readonly servers: Record<string, ServerProcess>;
  /** Process ids of the running servers by name. */
  readonly pids: Record<string, number>;
  /** Path of a new kubeconfig whose client certificate names that user and those groups. */
  kubeconfigFor(identity: { user: string; groups?: string[] }): Promise<string>;
  stop(): Promise<void>;
}

/** Issuer of the tokens of ServiceAccounts, unless told. */
export const homeIssuer = 'https://kubernetes.default.svc';

const settleTimeoutMs = 60_000;

/** Who asked for what and what the answer was, without bodies. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

/**
 * Starts etcd, an API server with RBAC, the controller manager and, unless switched off, the scheduler and
 * a fake node, all on the loopback address. Resolves once namespaces get their service account and the
 * node takes pods.
 *
 * @throws Error with the end of a server's log when that server does not get ready
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = options.dir
    ? { path: options.dir, remove: async () => {} }
    : await temporaryFolder('control-plane');
  await mkdir(folder.path, { recursive: true });
  const kubeconfigPath = join(folder.path, 'kubeconfig');
  const authority = await createCertificateAuthority();
  const layout = await createLayout(folder.path, options);
  const server = `https://127.0.0.1:${layout.ports.api}`;
  await writeCredentials(layout, authority, server);
  const api = await openApi(kubeconfigPath);
  layout.apiIsReady = () => apiIsReady(api);

  const servers = serversOf(layout, options);
  const stop = async () => {
    await api.close();
    await Promise.all(Object.values(servers).map((running) => running.kill()));
    await folder.remove();
  };
  try {
    await startAll(servers, api, options);
  } catch (error) {
    await stop();
    throw error;
  }
  let users = 0;
  return {
    kubeconfigPath,
    server,
    dir: folder.path,
    servers,
    get pids() {
      const running = Object.entries(servers).filter(([, process]) => process.pid !== undefined);
      return Object.fromEntries(running.map(([name, process]) => [name, process.pid as number]));
    },
    async kubeconfigFor({ user, groups = [] }) {
      const path = join(folder.path, `kubeconfig-${++users}`);
      const client = await authority.issue({
        commonName: user,
        organizations: groups,
        usage: 'client',
      });
      const kubeconfig = renderKubeconfig({ server, ca: authority.cert, client });
      await writeFile(path, kubeconfig, { mode: 0o600 });
      return path;
    },
    stop,
  };
}

async function createLayout(
  dir: string,
  { durable = false, audit = false, trusted = [], issuer = homeIssuer }: ControlPlaneOptions,
): Promise<ControlPlaneLayout> {
  const [etcd, etcdPeer, api, manager, schedulerPort, kwokPort] = (await freePorts(6)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    dir,
    durable,
    audit,
    issuer,
    trusted,
    ports: { etcd, etcdPeer, api, manager, scheduler: schedulerPort, kwok: kwokPort },
    apiIsReady: async () => false,
  };
}

async function writeCredentials(
  layout: ControlPlaneLayout,
  authority: CertificateAuthority,
  server: string,
): Promise<void> {
  const serving = await authority.issue({
    commonName: 'kube-apiserver',
    usage: 'server',
    hosts: ['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default.svc', '10.96.0.1'],
  });
  const admin = await authority.issue({
    commonName: 'test-admin',
    organizations: ['system:masters'],
    usage: 'client',
  });
  const signing = createSigningKey();
  const files = {
    'ca.crt': authority.cert,
    'api.crt': serving.cert,
    'api.key': serving.key,
    'sa.key': signing.privateKey,
    'sa.pub': signing.publicKey,
    'audit-policy.json': JSON.stringify(auditPolicy),
    'authentication.json': JSON.stringify({
      apiVersion: 'apiserver.config.k8s.io/v1beta1',
      kind: 'AuthenticationConfiguration',
      jwt: layout.trusted,
    }),
    kubeconfig: renderKubeconfig({ server, ca: authority.cert, client: admin }),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(layout.dir, name), content, { mode: 0o600 });
  }
}

function serversOf(
  layout: ControlPlaneLayout,
  options: ControlPlaneOptions,
): Record<string, ServerProcess> {
  return {
    etcd: etcdServer(layout),
    'kube-apiserver': apiServer(layout),
    'kube-controller-manager': controllerManager(layout),
    ...(options.scheduler === false ? {} : { 'kube-scheduler': scheduler(layout) }),
    ...(options.kwok === false ? {} : { kwok: kwok(layout) }),
  };
}

async function startAll(
  servers: Record<string, ServerProcess>,
  api: ApiAccess,
  options: ControlPlaneOptions,
): Promise<void> {
  const { etcd, 'kube-apiserver': apiProcess, ...rest } = servers;
  // The API server waits for etcd by itself, so both start at once; the others would give up.
  await allSettled([etcd?.start(), apiProcess?.start()]);
  const node = options.kwok === false ? undefined : createNode(api);
  await allSettled([node, ...Object.values(rest).map((server) => server.start())]);
  await poll('the service account of the default namespace', () =>
    exists(api, '/api/v1/namespaces/default/serviceaccounts/default'),
  );
  if (node) await poll('the fake node', () => nodeTakesPods(api));
}

/** Waits for all, so that nothing is still starting when the first failure is thrown. */
async function allSettled(starts: (Promise<void> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(starts);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function createNode(api: ApiAccess): Promise<void> {
  const reply = await api.send('POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: 'fake-node',
      labels: { 'kubernetes.io/hostname': 'fake-node', 'kubernetes.io/os': 'linux', type: 'kwok' },
    },
  });
  if (reply.code !== 409) expectSuccess(reply, 'Node fake-node');
}

async function nodeTakesPods(api: ApiAccess): Promise<boolean> {
  const { body } = await api.send('GET', '/api/v1/nodes/fake-node');
  const node = body as {
    spec?: { taints?: unknown[] };
    status?: { conditions?: { type: string; status: string }[] };
  };
  const ready = node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
  return ready === true && !node.spec?.taints?.length;
}

async function exists(api: ApiAccess, path: string): Promise<boolean> {
  return (await api.send('GET', path)).code === 200;
}

async function apiIsReady(api: ApiAccess): Promise<boolean> {
  try {
    return (await api.send('GET', '/readyz')).code === 200;
  } catch {
    // Not listening yet: the caller asks again until its deadline.
    return false;
  }
}

async function poll(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + settleTimeoutMs;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new Error(`${what} was not there after ${settleTimeoutMs} ms`);
    await delay(50);
  }
}
