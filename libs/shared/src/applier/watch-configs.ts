import type { Applier } from '@sluice/shared/engine';
import { type Informer, keyOf } from '@sluice/shared/kube';
import type { ConfigWatch } from './config-watch.ts';

/** What a process remembers of an object that reads Secrets and ConfigMaps. */
interface ConfigReader {
  /** Something that it has read has changed. */
  configChanged: boolean;
}

/** How to notice changes of what objects read. */
export interface WatchConfigsOptions<T extends Applier> {
  configs: ConfigWatch | undefined;
  /** Has the index `config` of what objects refer to, as the watch names it. */
  informer: Informer<T>;
  states: { peek(key: string): ConfigReader | undefined };
}

/** Notes that something an object reads has changed, and brings the object back. */
export function noteConfigChange(
  key: string,
  states: WatchConfigsOptions<Applier>['states'],
  enqueue: (key: string, priority: 'change') => void,
): void {
  const state = states.peek(key);
  // At the start, everything is reconciled anyway.
  if (state === undefined) return;
  state.configChanged = true;
  enqueue(key, 'change');
}

/** Brings objects back when a Secret or ConfigMap they refer to changes. */
export function watchConfigs<T extends Applier>(
  { configs, informer, states }: WatchConfigsOptions<T>,
  enqueue: (key: string, priority: 'change') => void,
): void {
  configs?.onChange((id) => {
    for (const object of informer.byIndex('config', id))
      noteConfigChange(keyOf(object), states, enqueue);
  });
}
