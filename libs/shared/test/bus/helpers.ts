import { randomBytes } from 'node:crypto';
import type { ArtifactNotice, FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, connectBus, type StreamId, streamName, streams } from '@sluice/shared/bus';

/** An event about one Kustomization. */
export function eventOf(message: string, change: Partial<FluxEvent> = {}): FluxEvent {
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace: 'apps',
      name: 'web.shop',
    },
    severity: 'info',
    timestamp: '2026-01-02T03:04:05Z',
    message,
    reason: 'ReconciliationSucceeded',
    reportingController: 'kustomize-controller',
    ...change,
  };
}

/** A notice of one GitRepository. */
export function noticeOf(name: string, revision: string): ArtifactNotice {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    namespace: 'apps',
    name,
    observedAt: new Date().toISOString(),
    artifact: {
      path: `gitrepository/apps/${name}/x.tar.gz`,
      url: `http://source/${name}`,
      revision,
      digest: 'sha256:00',
      lastUpdateTime: '2026-01-02T03:04:05Z',
    },
  };
}

export const allStreams = Object.keys(streams) as StreamId[];

/** A bus with subjects of its own, which makes all streams of them unless told. */
export function busAt(
  url: string,
  prefix = `t${randomBytes(4).toString('hex')}`,
  owns: readonly StreamId[] = allStreams,
): Bus {
  return connectBus({ url, prefix, name: 'test', owns, logger: silentLogger });
}

/** Deletes a bus's streams and closes it. */
export async function dispose(bus: Bus): Promise<void> {
  const { manager } = await bus.ready(AbortSignal.timeout(10_000));
  for (const id of allStreams) {
    await manager.streams.delete(streamName(bus.prefix, id));
  }
  await bus.close();
}

/** Collects values and lets a test wait for a number of them. */
export class Collected<T> {
  readonly values: T[] = [];
  #changed: () => void = () => undefined;

  add(value: T): void {
    this.values.push(value);
    this.#changed();
  }

  /** Resolves once the predicate holds; the test's time limit is the limit. */
  async until(predicate: (values: T[]) => boolean): Promise<T[]> {
    while (!predicate(this.values)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.values;
  }
}
