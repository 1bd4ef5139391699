import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from '@sluice/shared/cli';
import { type HelmServer, type Registry, runHelm, toolPath } from '@sluice/testing';
import type { World } from '../world.ts';

const deployment = (name: string) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${name.startsWith('{') ? '{{ .Release.Namespace }}' : 'shop'}
spec:
  replicas: 1
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: web, image: example/web:1.0.0 }] }
`;

const chartFiles = {
  'templates/deployment.yaml': deployment('{{ .Release.Name }}'),
  'values.yaml': 'replicas: 1\n',
};

/** The repository that the guides call https://git.example.com/shop.git. */
export const shopFiles: Record<string, string> = {
  'deploy/namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n',
  'deploy/web.yaml': deployment('web'),
  'settings/region.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: region\ndata:\n  region: ${region}\n  cluster: ${cluster:=none}\n',
  'values/production.yaml': 'replicas: 1\n',
  'charts/web/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  ...Object.fromEntries(
    Object.entries(chartFiles).map(([path, text]) => [`charts/web/${path}`, text]),
  ),
};

async function write(dir: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

async function flux(world: World, args: string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand({
    file: toolPath('flux'),
    args,
    env: { HOME: world.dir },
    timeoutMs: 60_000,
    maxOutputBytes: 2 ** 20,
  });
  if (exitCode !== 0) throw new Error(`flux ${args[0]} ${args[1]}: ${stderr}`);
}

/** Fills Git, the chart repository and the registry with what the guides speak of, by the programs that they name. */
export async function publishGuides(
  world: World,
  { charts, registry }: { charts: HelmServer; registry: Registry },
): Promise<void> {
  await world.repo.commit({ files: shopFiles, tag: 'v1.0.0' });
  await charts.publish({ name: 'web', version: '1.0.0', files: chartFiles });
  const dir = await mkdtemp(join(world.dir, 'publish-'));
  await write(dir, shopFiles);
  const url = `${registry.ociUrl}/manifests/shop`;
  const from = [`--path=${dir}/deploy`, '--source=shop', '--revision=main@sha1:1'];
  for (const tag of ['1.0.0', 'production']) {
    await flux(world, ['push', 'artifact', `${url}:${tag}`, ...from, '--insecure-registry']);
  }
  await runHelm(['package', join(dir, 'charts/web'), '--destination', dir], dir);
  const packed = join(dir, 'web-1.0.0.tgz');
  await runHelm(['push', packed, `${registry.ociUrl}/charts`, '--plain-http'], dir);
}
