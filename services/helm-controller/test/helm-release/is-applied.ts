import { isNotFound } from '@sluice/shared/kube';
import { type Bed, configMaps } from './harness.ts';

/** Whether a ConfigMap of the namespace of the test exists. */
export async function isApplied({ client, namespace }: Bed, name: string): Promise<boolean> {
  try {
    await client.get(configMaps, { namespace, name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
