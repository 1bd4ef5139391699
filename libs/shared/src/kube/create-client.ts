import { type Clock, type Logger, silentLogger, systemClock } from '@sluice/shared/base';
import type { NetworkGuard } from '@sluice/shared/net';
import type { AnswerLimits } from './answer-limits.ts';
import { defaultTimeoutMs, HttpKubeClient } from './client.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { DiscoveryMapper } from './mapper.ts';
import { RateLimiter } from './rate-limit.ts';
import { type RequestInfo, Transport } from './transport.ts';
import type { KubeClient } from './types.ts';

export interface KubeClientOptions {
  /** Requests per second while the server has no priority and fairness; 0 for no limit. Default 50. */
  qps?: number;
  /** Requests at once under the same condition. Default 300. */
  burst?: number;
  userAgent?: string;
  /** Connections for requests; watches share others. Default 20. */
  connections?: number;
  /** When an object names the server; without, its address may be any. */
  guard?: NetworkGuard;
  /** How much the server may answer; the limits of the own cluster unless told. */
  limits?: AnswerLimits;
  /** Called after every attempt of a request, for metrics. */
  onRequest?: (info: RequestInfo) => void;
  /** Gets the server's warnings, for instance about deprecated kinds, each once. */
  logger?: Logger;
  clock?: Clock;
}

/** Creates a client of one API server; it connects when first used. */
export function createKubeClient(config: ClusterConfig, o: KubeClientOptions = {}): KubeClient {
  const clock = o.clock ?? systemClock;
  const transport = new Transport(config, {
    connections: o.connections ?? 20,
    guard: o.guard,
    limits: o.limits,
    limiter: new RateLimiter({ qps: o.qps ?? 50, burst: o.burst ?? 300, clock }),
    userAgent: o.userAgent ?? 'sluice',
    clock,
    onRequest: o.onRequest,
    onWarning: warnOnce(o.logger ?? silentLogger),
  });
  const mapper = new DiscoveryMapper({
    clock,
    get: (path, headers) =>
      transport.send({
        method: 'GET',
        path,
        headers,
        idempotent: true,
        timeoutMs: defaultTimeoutMs,
      }),
  });
  return new HttpKubeClient({
    transport,
    mapper,
    server: config.server,
    acting: config.impersonate,
    owner: true,
  });
}

/** Bounds the memory of warnings; a cluster has a few dozen. */
const maxWarnings = 1000;

/** The header's text stands in quotes, after a code and an agent (RFC 7234, section 5.5). */
const warningText = /^\d+ \S+ "(.*)"$/;

function warnOnce(logger: Logger): (header: string) => void {
  const seen = new Set<string>();
  return (header) => {
    if (seen.size >= maxWarnings || seen.has(header)) return;
    seen.add(header);
    logger.warn({ warning: warningText.exec(header)?.[1] ?? header }, 'API server warning');
  };
}
