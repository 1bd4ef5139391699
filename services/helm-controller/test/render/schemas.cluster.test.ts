import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHelmRenderer } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createDiscovery } from '../../src/render/discovery.ts';
import { noRemoteSchemas } from '../../src/render/remote-schemas.ts';
import { createRenderer } from '../../src/render/renderer.ts';
import { createRenderBed, type RenderBed } from './bed.ts';
import { writeChart } from './charts.ts';

let bed: RenderBed;
let server: Server;
let origin: string;
let seen: string[];
let chart: string;
beforeAll(async () => {
  seen = [];
  server = createServer((request, response) => {
    seen.push(request.url ?? '');
    if (request.url === '/gone.json') response.writeHead(404).end();
    else response.end('{"properties":{"replicas":{"type":"integer"}}}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  bed = await createRenderBed();
  chart = await chartWith('refs', `${origin}/replicas.json`);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await bed.close();
});

const draft = 'http://json-schema.org/draft-07/schema#';
const chartWith = (name: string, reference: string) =>
  writeChart(bed.dir, name, {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`,
    'values.schema.json': JSON.stringify({ $schema: draft, $ref: reference }),
    'templates/a.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {r: "{{ .Values.replicas }}"}\n',
  });

test('a document that a schema refers to is read as by helm', async () => {
  const values = { replicas: 2 };
  const release = await bed.install(chart, { values });
  expect(seen).toEqual(['/replicas.json']);
  const input = JSON.stringify(values);
  // It would ask the server of this process, which waits for it meanwhile.
  const args = ['template', 'web', chart, '--skip-schema-validation', '-f', '-'];
  expect(release.manifest.trim()).toBe(bed.helm(args, { input }).trim());
  const wrong = bed.install(chart, { values: { replicas: 'many' } });
  await expect(wrong).rejects.toMatchObject({ kind: 'schema' });
  await expect(wrong).rejects.toThrow('/replicas: got string, want integer');
});

test('a document that is not there makes a retry, not a failed release', async () => {
  const gone = await chartWith('gone', `${origin}/gone.json`);
  const failure = bed.install(gone);
  await expect(failure).rejects.toMatchObject({ kind: 'retryable', reason: 'ArtifactFailed' });
  await expect(failure).rejects.toThrow(/status 404; set disableSchemaValidation/);
});

test('in lock-down the chart is refused by a message that says how to do without', async () => {
  const helm = createHelmRenderer({ program: toolPath('helm-renderer') });
  onTestFinished(() => helm.close());
  const renderer = createRenderer({
    helm,
    kustomize: bed.kustomize,
    discovery: createDiscovery(),
    schemas: noRemoteSchemas,
  });
  seen = [];
  const { client, namespace } = bed;
  const request = {
    ...{ name: 'web', namespace, revision: 1, values: {}, client, share: namespace },
    ...{ timeoutMs: 60_000, applyMethod: 'ssa' as const, chartPath: chart },
  } as const;
  await expect(renderer.render(request)).rejects.toThrow(
    /replicas.json', which --no-remote-schemas forbids to read: .*set disableSchemaValidation/,
  );
  expect(seen).toEqual([]);
  await renderer.render({ ...request, skipSchemaValidation: true });
});
