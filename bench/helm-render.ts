/**
 * What it costs to render an upgrade of a chart with four objects: by the ways in which the helm program can be asked,
 * and by our helm-renderer, each against `helm template` in the same run.
 *
 *   npm run bench -- helm-render [--n 30]
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createHelmRenderer, createKustomize } from '@sluice/shared/cli';
import { createKubeClient, type KubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { startControlPlane, temporaryFolder, toolPath } from '@sluice/testing';
import { createDiscovery } from '../services/helm-controller/src/render/discovery.ts';
import { noRemoteSchemas } from '../services/helm-controller/src/render/remote-schemas.ts';
import { createRenderer } from '../services/helm-controller/src/render/renderer.ts';
import { argument, percentile } from './setup.ts';

const run = promisify(execFile);
const rounds = Number(argument('n', '30'));

const labels = '{app: "{{ .Release.Name }}", chart: "{{ .Chart.Name }}-{{ .Chart.Version }}"}';
const object = (apiVersion: string, kind: string, more = '') =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: "{{ .Release.Name }}", labels: ${labels}}\n${more}`;

/** A typical web service. */
const chart: Record<string, string> = {
  'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: "2"\n',
  'values.yaml': 'replicas: 0\nimage: {repository: nginx, tag: "1"}\nhost: web.example.com\n',
  'templates/NOTES.txt': 'Visit {{ .Values.host }}\n',
  'templates/account.yaml': object('v1', 'ServiceAccount'),
  'templates/service.yaml': object(
    'v1',
    'Service',
    'spec: {selector: {app: "{{ .Release.Name }}"}, ports: [{port: 80}]}\n',
  ),
  'templates/deployment.yaml': object(
    'apps/v1',
    'Deployment',
    `spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec:
      containers: [{name: web, image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"}]
`,
  ),
  'templates/ingress.yaml': object(
    'networking.k8s.io/v1',
    'Ingress',
    `spec:
  rules:
  - host: {{ .Values.host }}
    http:
      paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]
`,
  ),
};

/** CPU time of a process, or of the ended children of this one, in milliseconds: the kernel counts ticks of 10 ms. */
async function cpuMs(pid?: number): Promise<number> {
  const stat = await readFile(`/proc/${pid ?? 'self'}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = pid === undefined ? 13 : 11;
  return (Number(fields[at]) + Number(fields[at + 1])) * 10;
}

/** The processes of the pool, among the children of this one. */
async function childPids(): Promise<number[]> {
  const text = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const pids = text.split(' ').filter(Boolean).map(Number);
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8')));
  return pids.filter((_, index) => names[index]?.trim() === 'helm-renderer');
}

async function allCpuMs(): Promise<number> {
  const running = await Promise.all((await childPids()).map((pid) => cpuMs(pid)));
  return running.reduce((sum, each) => sum + each, await cpuMs());
}

let template: { cpu: number; wall: number } | undefined;

async function measure(name: string, work: () => unknown, count = rounds): Promise<void> {
  await work();
  const walls: number[] = [];
  const before = await allCpuMs();
  const own = process.cpuUsage();
  for (let round = 0; round < count; round++) {
    const started = performance.now();
    await work();
    walls.push(performance.now() - started);
  }
  const cpu = ((await allCpuMs()) - before) / count;
  const { user, system } = process.cpuUsage(own);
  const ownMs = (user + system) / 1000 / count;
  const wall = percentile(walls, 50);
  if (name === 'helm template') template = { cpu, wall };
  const ratio = (mine: number, other = 0) => `1/${(other / mine).toFixed(1)}`;
  const ratios = template
    ? `  ${ratio(cpu, template.cpu)} CPU, ${ratio(wall, template.wall)} wall of helm template`
    : '';
  console.log(
    `${name.padEnd(46)} ${cpu.toFixed(2).padStart(6)} ms CPU ${wall.toFixed(2).padStart(6)} ms wall (median) ${ownMs.toFixed(2).padStart(5)} ms CPU of ours${ratios}`,
  );
}

/** Runs helm as the bench says, without holding up the event loop, and fails when it does. */
function helmRunner(home: string, kubeconfigPath: string) {
  return async (args: string[], env: Record<string, string> = {}) => {
    await run(toolPath('helm'), args, { env: { HOME: home, KUBECONFIG: kubeconfigPath, ...env } });
  };
}

/**
 * The API server that helm was given before there was helm-renderer: kinds of the core group alone, some of whose paths
 * lead into other groups.
 */
async function startOneList(client: KubeClient): Promise<{ url: string; server: Server }> {
  const { kubeVersion, apiVersions } = await createDiscovery().capabilitiesOf(client);
  const kinds = apiVersions
    .filter((name) => name !== 'v1')
    .map((name) => (name.startsWith('v1/') ? name.slice(3) : `../${name}`));
  const list = (items: unknown[]) =>
    JSON.stringify({
      apiVersion: 'apidiscovery.k8s.io/v2',
      kind: 'APIGroupDiscoveryList',
      metadata: {},
      items,
    });
  const resources = kinds.map((kind) => ({ resource: 'r', responseKind: { kind } }));
  const answers: Record<string, string> = {
    '/version': JSON.stringify(kubeVersion),
    '/api': list([{ metadata: { name: '' }, versions: [{ version: 'v1', resources }] }]),
    '/apis': list([]),
  };
  const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const server = createServer((request, response) => {
    const path = request.url?.replace(/\?.*/, '') ?? '';
    const contentType = path === '/version' ? 'application/json' : type;
    response.writeHead(200, { 'content-type': contentType }).end(answers[path]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function compare(started: AsyncDisposableStack): Promise<void> {
  const folder = await temporaryFolder('helm-render');
  started.defer(() => folder.remove());
  const { path: dir } = folder;
  const chartPath = join(dir, 'web');
  await mkdir(join(chartPath, 'templates'), { recursive: true });
  for (const [path, text] of Object.entries(chart)) await writeFile(join(chartPath, path), text);
  const controlPlane = await startControlPlane({ kwok: false, scheduler: false });
  started.defer(() => controlPlane.stop());
  const { kubeconfigPath } = controlPlane;
  const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
  started.defer(() => client.close());

  const helm = helmRunner(dir, kubeconfigPath);
  await helm(['package', chartPath, '--destination', dir]);
  const archive = join(dir, 'web-1.2.3.tgz');
  await helm(['install', 'web', archive]);
  const record = { name: 'web', namespace: 'default', version: 1, info: { status: 'deployed' } };
  const previous = join(dir, 'previous.json');
  await writeFile(previous, JSON.stringify([{ ...record, chart: { metadata: { name: 'web' } } }]));
  const memory = { HELM_DRIVER: 'memory', HELM_MEMORY_DRIVER_DATA: previous };
  const fast = { LC_ALL: 'zh_TW.UTF-8', GOGC: '400', GOMAXPROCS: '1' };
  const upgrade = ['upgrade', 'web', archive, '--dry-run=server', '-o', 'json'];

  const renderer = createRenderer({
    helm: createHelmRenderer({ program: toolPath('helm-renderer') }),
    kustomize: createKustomize({ binary: toolPath('kustomize-builder') }),
    discovery: createDiscovery({ maxAgeMs: 3_600_000 }),
    schemas: noRemoteSchemas,
  });
  started.defer(() => renderer.close());

  await measure('helm template', () => helm(['template', 'web', archive]));
  await measure('helm version', () => helm(['version']));
  await measure('helm version, fast start', () => helm(['version'], fast));
  await measure('helm upgrade --dry-run=server', () => helm(upgrade));
  await measure('… storage in memory', () => helm(upgrade, memory));
  await measure('… storage in memory, fast start', () => helm(upgrade, { ...memory, ...fast }));
  const { url, server } = await startOneList(client);
  started.defer(() => void server.close());
  const one = { HELM_KUBEAPISERVER: url, KUBECACHEDIR: '/dev/null/cache', KUBECONFIG: '/dev/null' };
  const before = { ...memory, ...fast, ...one };
  await measure('… and kinds in one list, the door before', () => helm(upgrade, before));
  const render = () =>
    renderer.render({
      name: 'web',
      namespace: 'default',
      revision: 2,
      previous: {},
      chartPath: archive,
      values: {},
      applyMethod: 'ssa',
      client,
      share: 'default',
      timeoutMs: 60_000,
    });
  await measure('helm-renderer', render, rounds * 30);
  const pids = await childPids();
  const peaks = await Promise.all(
    pids.map(async (pid) => /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))),
  );
  console.log(`resident memory of helm-renderer, at most: ${peaks.map((peak) => peak?.[1])} KiB`);
}

const started = new AsyncDisposableStack();
try {
  await compare(started);
} finally {
  await started.disposeAsync();
}
