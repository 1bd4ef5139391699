import { errorMessage } from '@sluice/shared/base';
import type { Registry } from 'prom-client';
import { type RunningServer, startHttpServer } from './http-server.ts';

/** A check that throws with the reason when the process is not ready. */
export type ReadyCheck = () => void | Promise<void>;

/**
 * Serves `/healthz`, which answers 200 while the event loop turns, and `/readyz`, which answers 503 with the
 * reason while a check fails.
 *
 * @param options `address` in Go's form; `0` for no server
 */
export function startProbes(options: {
  address: string;
  checks?: Record<string, ReadyCheck>;
}): Promise<RunningServer | undefined> {
  return startHttpServer(options.address, (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') {
      response.end('ok');
    } else if (path === '/readyz') {
      void failedChecks(options.checks ?? {}).then((failed) => {
        response.statusCode = failed.length > 0 ? 503 : 200;
        response.end(failed.join('\n') || 'ok');
      });
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
}

async function failedChecks(checks: Record<string, ReadyCheck>): Promise<string[]> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    try {
      await check();
      return undefined;
    } catch (error) {
      return `${name}: ${errorMessage(error)}`;
    }
  });
  return (await Promise.all(results)).filter((failure) => failure !== undefined);
}

/**
 * Serves the metrics of a registry on `/metrics`.
 *
 * @param options `address` in Go's form; `0` for no server
 */
export function startMetricsServer(options: {
  address: string;
  registry: Registry;
}): Promise<RunningServer | undefined> {
  const { address, registry } = options;
  return startHttpServer(address, (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.statusCode = 404;
      response.end();
      return;
    }
    registry.metrics().then(
      (text) => response.setHeader('content-type', registry.contentType).end(text),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(errorMessage(error));
      },
    );
  });
}
