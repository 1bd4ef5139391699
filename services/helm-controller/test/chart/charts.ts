import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { sha256Hex, silentLogger } from '@sluice/shared/base';
import { localDispatcher } from '@sluice/testing';
import { onTestFinished } from 'vitest';
import { ChartCache, type ChartCacheOptions } from '../../src/chart/acquire.ts';
import { directory, helm } from '../values/helm.ts';

/** Makes an archive of a chart with the real helm. */
export async function packageChart(files: Record<string, string>): Promise<Buffer> {
  const dir = await directory();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, 'chart', path)), { recursive: true });
    await writeFile(join(dir, 'chart', path), content);
  }
  const stdout = (await helm(['package', 'chart'], dir)) ?? '';
  const path = stdout.split(': ')[1]?.trim();
  if (path === undefined) throw new Error('helm package failed');
  return readFile(path);
}

/** Files of a small chart. */
export function chartFiles(name = 'app', version = '1.2.3'): Record<string, string> {
  return {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\nappVersion: "1.10"\n`,
    'values.yaml': 'greeting: hello\n',
    'templates/a.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {v: "{{ .Chart.Version }}", g: {{ .Values.greeting }}}\n',
  };
}

/** A cache with a server for artifacts. */
export interface ChartWorld {
  cache: ChartCache;
  dir: string;
  /** Paths asked for. */
  requests: string[];
  /** Serves content, and returns its artifact. */
  serve(content: Buffer, revision?: string): Artifact;
}

/** Starts a server for artifacts and makes a cache, both gone after the test. */
export async function chartWorld(options: Partial<ChartCacheOptions> = {}): Promise<ChartWorld> {
  const contents = new Map<string, Buffer>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const content = contents.get(request.url ?? '');
    if (content === undefined) response.writeHead(404).end();
    else response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const dir = await directory();
  const cache = new ChartCache({
    dir,
    maxBytes: 1_000_000,
    httpRetries: 0,
    logger: silentLogger,
    dispatcher: localDispatcher(),
    trackDigests: true,
    ...options,
  });
  const serve = (content: Buffer, revision = '1.2.3'): Artifact => {
    const path = `/${sha256Hex(content)}`;
    contents.set(path, content);
    return {
      path,
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
      revision,
      digest: `sha256:${sha256Hex(content)}`,
      lastUpdateTime: '2026-01-01T00:00:00Z',
    };
  };
  return { cache, dir, requests, serve };
}
