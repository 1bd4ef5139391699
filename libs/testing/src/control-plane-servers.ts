import { join } from 'node:path';
import { Agent, request } from 'undici';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

/** Everything the servers of one control plane agree on. */
export interface ControlPlaneLayout {
  dir: string;
  ports: {
    etcd: number;
    etcdPeer: number;
    api: number;
    manager: number;
    scheduler: number;
    kwok: number;
  };
  /** etcd writes through to the disk, as it must when durability is under test. */
  durable: boolean;
  /** The API server writes down who asked for what. */
  audit: boolean;
  /** Issuer of the tokens of ServiceAccounts. */
  issuer: string;
  /** Other issuers whose tokens the API server takes. */
  trusted: readonly object[];
  /** Answers whether the API server is ready. */
  apiIsReady: () => Promise<boolean>;
}

/** The file of that name in a control plane's folder. */
export function fileIn(layout: ControlPlaneLayout, name: string): string {
  return join(layout.dir, name);
}

/** The servers may have memory: with its defaults, Go's collector takes a fifth of the processor time of an API server. */
const roomy = { GOGC: '400', GOMEMLIMIT: '1GiB' };

/** etcd with one member. */
export function etcdServer(layout: ControlPlaneLayout): ServerProcess {
  const { dir, ports } = layout;
  const clientUrl = `http://127.0.0.1:${ports.etcd}`;
  const peerUrl = `http://127.0.0.1:${ports.etcdPeer}`;
  return new ServerProcess({
    file: toolPath('etcd'),
    args: [
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      '--log-level=warn',
      ...(layout.durable ? [] : ['--unsafe-no-fsync']),
    ],
    env: roomy,
    logFile: join(dir, 'etcd.log'),
    isReady: () => answers(`${clientUrl}/health`),
  });
}

/** The API server, with RBAC and client certificates. */
export function apiServer(layout: ControlPlaneLayout): ServerProcess {
  const { dir, ports } = layout;
  return new ServerProcess({
    file: toolPath('kube-apiserver'),
    args: [
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${ports.api}`,
      `--cert-dir=${dir}`,
      `--tls-cert-file=${join(dir, 'api.crt')}`,
      `--tls-private-key-file=${join(dir, 'api.key')}`,
      `--client-ca-file=${join(dir, 'ca.crt')}`,
      '--authorization-mode=RBAC',
      `--service-account-key-file=${join(dir, 'sa.pub')}`,
      `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
      `--service-account-issuer=${layout.issuer}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
      '--max-requests-inflight=4000',
      '--max-mutating-requests-inflight=2000',
      ...(layout.audit
        ? [
            `--audit-policy-file=${fileIn(layout, 'audit-policy.json')}`,
            `--audit-log-path=${fileIn(layout, 'audit.log')}`,
            '--audit-log-mode=blocking',
          ]
        : []),
      ...(layout.trusted.length > 0
        ? [`--authentication-config=${fileIn(layout, 'authentication.json')}`]
        : []),
    ],
    env: roomy,
    logFile: join(dir, 'kube-apiserver.log'),
    isReady: layout.apiIsReady,
  });
}

/** The controller manager: service accounts, garbage collection, workloads, node taints. */
export function controllerManager(layout: ControlPlaneLayout): ServerProcess {
  const { dir, ports } = layout;
  return new ServerProcess({
    file: toolPath('kube-controller-manager'),
    args: [
      `--kubeconfig=${join(dir, 'kubeconfig')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.manager}`,
      `--cert-dir=${dir}`,
      `--root-ca-file=${join(dir, 'ca.crt')}`,
      `--service-account-private-key-file=${join(dir, 'sa.key')}`,
      '--use-service-account-credentials=false',
      '--leader-elect=false',
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
    ],
    env: roomy,
    logFile: join(dir, 'kube-controller-manager.log'),
    isReady: () => answers(`https://127.0.0.1:${ports.manager}/healthz`),
  });
}

/** The scheduler. */
export function scheduler(layout: ControlPlaneLayout): ServerProcess {
  const { dir, ports } = layout;
  return new ServerProcess({
    file: toolPath('kube-scheduler'),
    args: [
      `--kubeconfig=${join(dir, 'kubeconfig')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.scheduler}`,
      `--cert-dir=${dir}`,
      '--leader-elect=false',
    ],
    logFile: join(dir, 'kube-scheduler.log'),
    isReady: () => answers(`https://127.0.0.1:${ports.scheduler}/healthz`),
  });
}

/** kwok, which plays the kubelet of a fake node. */
export function kwok(layout: ControlPlaneLayout): ServerProcess {
  const { dir, ports } = layout;
  const address = `127.0.0.1:${ports.kwok}`;
  return new ServerProcess({
    file: toolPath('kwok'),
    args: [
      `--kubeconfig=${join(dir, 'kubeconfig')}`,
      `--config=${join(import.meta.dirname, 'kwok-stages.yaml')}`,
      '--manage-all-nodes=true',
      '--node-lease-duration-seconds=40',
      '--cidr=10.0.0.0/16',
      '--node-ip=10.0.0.1',
      `--server-address=${address}`,
    ],
    env: { HOME: dir },
    logFile: join(dir, 'kwok.log'),
    isReady: () => answers(`http://${address}/healthz`),
  });
}

// The health endpoints of these servers are open; only this probe skips the check of their self-made certificates.
const probeAgent = new Agent({ connect: { rejectUnauthorized: false }, headersTimeout: 2000 });

async function answers(url: string): Promise<boolean> {
  try {
    const reply = await request(url, { dispatcher: probeAgent });
    await reply.body.dump();
    return reply.statusCode < 300;
  } catch {
    // Not listening yet: the caller asks again until its deadline.
    return false;
  }
}
