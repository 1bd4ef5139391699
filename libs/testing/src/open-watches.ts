import type { ApiResource, KubeClient } from '@sluice/shared/kube';

/**
 * Counts the watches of one resource that an API server has open, as its metrics tell.
 *
 * @param client admin access
 * @param scope what each watch is about: all objects, those of a namespace, or a single one
 */
export async function openWatches(
  client: KubeClient,
  { group, plural }: ApiResource,
  scope: 'cluster' | 'namespace' | 'resource',
): Promise<number> {
  const text = String(await client.request('GET', '/metrics'));
  const wanted = [
    'apiserver_longrunning_requests{',
    `group="${group}"`,
    `resource="${plural}"`,
    `scope="${scope}"`,
    'verb="WATCH"',
  ];
  const lines = text.split('\n').filter((line) => wanted.every((part) => line.includes(part)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
