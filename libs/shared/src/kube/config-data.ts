import type { KubeObject } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import { isForbidden, isNotFound } from './api-error.ts';
import { coreResources, type ObjectKey } from './resource.ts';
import type { KubeClient } from './types.ts';

interface ConfigObject extends KubeObject {
  data?: Record<string, string>;
}

/** What holds configuration. */
export type ConfigKind = 'Secret' | 'ConfigMap';

/**
 * Reads a Secret or ConfigMap.
 *
 * @returns its texts by key; those of a Secret decoded, bytes that are no UTF-8 replaced
 * @throws what the client throws: {@link whyNoConfig} says it in words; the signal's reason when it has aborted
 */
export async function readConfigData(
  client: KubeClient,
  kind: ConfigKind,
  key: ObjectKey,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const data = await readData(client, kind, key, signal);
  return kind === 'ConfigMap' ? data : secretTexts(data);
}

/**
 * Reads a Secret, of which not all may be text.
 *
 * @returns its values by key in base64
 * @throws as {@link readConfigData}
 */
export function readSecretValues(
  client: KubeClient,
  key: ObjectKey,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  return readData(client, 'Secret', key, signal);
}

/** Returns the texts of values in base64; bytes that are no UTF-8 are replaced. */
export function secretTexts(values: Record<string, string>): Record<string, string> {
  const decode = (value: string) => Buffer.from(value, 'base64').toString('utf8');
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, decode(value)]));
}

async function readData(
  client: KubeClient,
  kind: ConfigKind,
  key: ObjectKey,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const resource = kind === 'Secret' ? coreResources.secrets : coreResources.configMaps;
  try {
    const { data = {} } = await client.get<ConfigObject>(resource, key, { signal });
    return data;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Ends a sentence about a Secret or ConfigMap that could not be read, with the fix. */
export function whyNoConfig(error: unknown, o: { mayBeOptional?: boolean } = {}): string {
  if (isNotFound(error))
    return `does not exist: create it${o.mayBeOptional ? ', or set optional: true' : ''}`;
  if (isForbidden(error)) return 'may not be read by the controller: grant it get on the object';
  return `cannot be read: ${errorMessage(error)}`;
}
