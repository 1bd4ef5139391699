/**
 * What it costs to render an upgrade of a chart with four objects: by the ways in which the helm program can be asked,
 * and by ours.
 *
 *   npm run bench -- helm-render [--n 30]
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHelm, createKustomize } from '@sluice/shared/cli';
import { createKubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { startControlPlane, temporaryFolder, toolPath } from '@sluice/shared/testing';
import { createDiscoveryServer } from '../services/helm-controller/src/render/discovery-server.ts';
import { createRenderer } from '../services/helm-controller/src/render/renderer.ts';
import { argument, percentile } from './setup.ts';

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

/** CPU time of ended children, in milliseconds: the kernel counts it in ticks of 10 ms. */
async function childCpuMs(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

async function measure(name: string, run: () => unknown): Promise<void> {
  await run();
  const walls: number[] = [];
  const before = await childCpuMs();
  const own = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await run();
    walls.push(performance.now() - started);
  }
  const cpu = ((await childCpuMs()) - before) / rounds;
  const { user, system } = process.cpuUsage(own);
  const ownMs = (user + system) / 1000 / rounds;
  const wall = percentile(walls, 50);
  console.log(
    `${name.padEnd(46)} ${cpu.toFixed(1).padStart(6)} ms CPU ${wall.toFixed(1).padStart(6)} ms wall (median) ${ownMs.toFixed(1).padStart(5)} ms CPU of ours`,
  );
}

/** Runs helm as the bench says, and fails when it does. */
function helmRunner(home: string, kubeconfigPath: string) {
  return (args: string[], env: Record<string, string> = {}) => {
    const { status, stderr } = spawnSync(toolPath('helm'), args, {
      env: { HOME: home, KUBECONFIG: kubeconfigPath, ...env },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
  };
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
  helm(['package', chartPath, '--destination', dir]);
  const archive = join(dir, 'web-1.2.3.tgz');
  helm(['install', 'web', archive]);
  const record = { name: 'web', namespace: 'default', version: 1, info: { status: 'deployed' } };
  const previous = join(dir, 'previous.json');
  await writeFile(previous, JSON.stringify([{ ...record, chart: { metadata: { name: 'web' } } }]));
  const memory = { HELM_DRIVER: 'memory', HELM_MEMORY_DRIVER_DATA: previous };
  const fast = { LC_ALL: 'zh_TW.UTF-8', GOGC: '400', GOMAXPROCS: '1' };
  const upgrade = ['upgrade', 'web', archive, '--dry-run=server', '-o', 'json'];

  const renderer = createRenderer({
    helm: createHelm({ binary: toolPath('helm'), tempDir: dir }),
    kustomize: createKustomize({ binary: toolPath('kustomize'), tempDir: dir }),
    discovery: createDiscoveryServer({ maxAgeMs: 3_600_000 }),
    tempDir: dir,
  });
  started.defer(() => renderer.close());

  await measure('helm version', () => helm(['version']));
  await measure('helm version, fast start', () => helm(['version'], fast));
  await measure('helm template', () => helm(['template', 'web', archive]));
  await measure('helm upgrade --dry-run=server', () => helm(upgrade));
  await measure('… storage in memory', () => helm(upgrade, memory));
  await measure('… storage in memory, fast start', () => helm(upgrade, { ...memory, ...fast }));
  await measure('ours: also kinds in one list', () =>
    renderer.render({
      name: 'web',
      namespace: 'default',
      revision: 2,
      previous: {},
      chartPath: archive,
      values: {},
      applyMethod: 'ssa',
      client,
      timeoutMs: 60_000,
    }),
  );
}

const started = new AsyncDisposableStack();
try {
  await compare(started);
} finally {
  await started.disposeAsync();
}
