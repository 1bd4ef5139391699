// npm run bench -- helm-index [--megabytes 45]: time and memory that source-controller needs for the index of a large
// Helm repository, until it and a chart of it are Ready. The baseline is `helm repo add` with the same index.
import type { HelmChart, HelmRepository, KubeObject } from '@sluice/shared/api';
import { helmChartKind, helmRepositoryKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { runHelm, startHelmServer } from '@sluice/testing';
import { tenant } from './apps.ts';
import { measure, untilAll } from './measure.ts';
import { argument, withBench } from './setup.ts';

const namespace = 'apps';
const bytes = Number(argument('megabytes', '45')) * 1_000_000;

/** Entries as chart-releaser writes them, of charts with some hundred versions each. */
function entryOf(chart: string, version: number): string {
  const digest = `${chart}${version}`.padStart(64, '0').replaceAll(/[^0-9]/g, 'a');
  return `  - apiVersion: v2
    appVersion: 1.${version}.0
    created: "2024-03-01T10:00:00.000000000Z"
    dependencies:
    - name: common
      repository: https://charts.example.com/library
      version: 2.x.x
    description: A chart of ${chart} for Kubernetes, with its exporters, policies and dashboards
    digest: ${digest}
    home: https://example.com/${chart}
    icon: https://example.com/${chart}/icon.png
    keywords:
    - ${chart}
    - database
    - metrics
    maintainers:
    - email: team@example.com
      name: team
    name: ${chart}
    sources:
    - https://git.example.com/charts/${chart}
    type: application
    urls:
    - https://charts.example.com/packages/${chart}-${version}.0.0.tgz
    version: ${version}.0.0
`;
}

function largeIndex(own: string): Buffer {
  const parts = [own.replace(/generated:.*\n?/, '')];
  let size = parts[0]?.length ?? 0;
  for (let chart = 0; size < bytes; chart++) {
    parts.push(`  chart-${chart}:\n`);
    for (let version = 400; version > 0 && size < bytes; version--) {
      const entry = entryOf(`chart-${chart}`, version);
      size += entry.length;
      parts.push(entry);
    }
  }
  return Buffer.from(parts.join(''));
}

await withBench(async (bench) => {
  await bench.apply(tenant(namespace));
  const server = await startHelmServer();
  try {
    await server.publish({ name: 'app', version: '1.0.0' });
    const index = largeIndex(String(server.files.get('charts/index.yaml')));
    server.files.set('charts/index.yaml', index);
    const startedAt = performance.now();
    await runHelm(['repo', 'add', 'large', server.url], bench.dir);
    const baseline = { name: 'helm repo add', seconds: (performance.now() - startedAt) / 1000 };
    const name = 'source-controller';
    const controllers = await bench.controllers({}, [name]);
    const object = (kind: string, spec: object) =>
      ({
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind,
        metadata: { name: 'large', namespace },
        spec: { interval: '1h', ...spec },
      }) as unknown as KubeObject;
    await measure({
      title: `index of ${(index.length / 1e6).toFixed(0)} MB and a chart`,
      bench,
      controllers,
      baseline,
      run: async () => {
        const one = { namespace, count: 1, isDone: isReady };
        const repository = resourceOf(helmRepositoryKind);
        const stored = untilAll<HelmRepository>(bench, { resource: repository, ...one });
        await bench.apply([object('HelmRepository', { url: server.url, timeout: '5m' })]);
        await stored;
        const chart = resourceOf(helmChartKind);
        const made = untilAll<HelmChart>(bench, { resource: chart, ...one });
        const sourceRef = { kind: 'HelmRepository', name: 'large' };
        await bench.apply([object('HelmChart', { chart: 'app', sourceRef })]);
        await made;
      },
    });
  } finally {
    await server.stop();
  }
});
