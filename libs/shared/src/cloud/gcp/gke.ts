import { CloudLoginError } from '../cloud-error.ts';
import {
  type ClusterEndpoint,
  type DescribedCluster,
  described,
  endpointIn,
  partOf,
  serverOf,
} from '../cluster/described.ts';
import { askJson, type CloudDoor } from '../exchange.ts';
import type { Issued } from '../token-cache.ts';

const part = '[A-Za-z0-9][A-Za-z0-9._:-]{0,199}';
const nameForm = new RegExp(`^projects/${part}/locations/${part}/clusters/${part}$`);
const host = 'container.googleapis.com';

/**
 * The path of a cluster of Google.
 *
 * @throws CloudLoginError
 */
export function gkePath(name: string): string {
  if (nameForm.test(name)) return name.split('/').map(encodeURIComponent).join('/');
  throw new CloudLoginError(
    'cluster is no cluster of Google: write projects/<project>/locations/<location>/clusters/<name>',
  );
}

/**
 * Asks Google where a cluster is.
 *
 * @param path of {@link gkePath}
 * @throws CloudLoginError
 * @see https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters/get
 */
export async function describeGke(
  { path, token }: { path: string; token: string },
  door: CloudDoor,
): Promise<Issued<DescribedCluster>> {
  const headers = { authorization: `Bearer ${token}` };
  const url = `https://${host}/v1/${path}`;
  const cluster = await askJson({ method: 'GET', url, headers, secrets: [token] }, door);
  const { clusterCaCertificate: ca } = partOf(cluster, 'masterAuth');
  const first = endpointIn(cluster['endpoint'], ca, host);
  return described([first, ...otherEndpoints(cluster, ca)], door.clock.now());
}

/** Addresses of the same cluster from within its network, and the one by name, whose certificate is a public one. */
function otherEndpoints(cluster: Record<string, unknown>, ca: unknown): ClusterEndpoint[] {
  const config = partOf(cluster, 'controlPlaneEndpointsConfig');
  const byAddress = [partOf(cluster, 'privateClusterConfig'), partOf(config, 'ipEndpointsConfig')]
    .flatMap(({ privateEndpoint, publicEndpoint }) => [privateEndpoint, publicEndpoint])
    .filter(isText)
    .map((address) => endpointIn(address, ca, host));
  const { endpoint: name } = partOf(config, 'dnsEndpointConfig');
  const byName = isText(name) ? [{ server: serverOf(name, `the address from ${host}`) }] : [];
  return [...byAddress, ...byName];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
