import { clusterOfKubeConfig, KubeConfigError } from '../../kube/index.ts';
import { CloudLoginError } from '../cloud-error.ts';
import { type DescribedCluster, described, endpointIn, partOf } from '../cluster/described.ts';
import type { CloudEnvironment } from '../environment.ts';
import { askJson, type CloudDoor } from '../exchange.ts';
import type { Issued } from '../token-cache.ts';

const idForm =
  /^\/subscriptions\/([0-9a-f-]{36})\/resourceGroups\/([\p{L}\p{N}._()-]{0,199}[\p{L}\p{N}_()-])\/providers\/Microsoft\.ContainerService\/managedClusters\/([a-z0-9][\w-]{0,199})$/iu;
const apiVersion = '2024-09-01';

/** Where resources of Azure are managed, and for what tokens are that it takes. */
export interface AzureManagement {
  url: string;
  scope: string;
}

/**
 * Says where the resources are managed of the cloud whose authority the environment names.
 *
 * @see https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
 */
export function azureManagement(env: CloudEnvironment): AzureManagement {
  const authority = env.AZURE_AUTHORITY_HOST ?? '';
  const [host, audience] = authority.includes('chinacloudapi.cn')
    ? ['management.chinacloudapi.cn', 'management.core.chinacloudapi.cn']
    : authority.includes('microsoftonline.us')
      ? ['management.usgovcloudapi.net', 'management.core.usgovcloudapi.net']
      : ['management.azure.com', 'management.core.windows.net'];
  return { url: `https://${host}`, scope: `https://${audience}//.default` };
}

/**
 * The path of a cluster of Azure.
 *
 * @throws CloudLoginError
 */
export function aksPath(id: string): string {
  if (!idForm.test(id)) {
    throw new CloudLoginError(
      'cluster is no cluster of Azure: write /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ContainerService/managedClusters/<name>',
    );
  }
  return id.split('/').map(encodeURIComponent).join('/');
}

/**
 * Asks Azure where a cluster is.
 *
 * @param path of {@link aksPath}
 * @param token for the management of resources
 * @throws CloudLoginError; also when the cluster takes no tokens of Entra ID
 * @see https://learn.microsoft.com/rest/api/aks/managed-clusters/list-cluster-user-credentials
 */
export async function describeAks(
  { url, path, token }: { url: string; path: string; token: string },
  door: CloudDoor,
): Promise<Issued<DescribedCluster>> {
  const headers = { authorization: `Bearer ${token}` };
  const ask = (method: 'GET' | 'POST', suffix: string) => {
    const address = `${url}${path}${suffix}?api-version=${apiVersion}`;
    return askJson({ method, url: address, headers, secrets: [token] }, door);
  };
  const properties = partOf(await ask('GET', ''), 'properties');
  if (typeof properties['aadProfile'] !== 'object' || properties['aadProfile'] === null) {
    throw new CloudLoginError(
      'cluster takes no tokens of Microsoft Entra ID: enable its integration there',
    );
  }
  const { kubeconfigs } = await ask('POST', '/listClusterUserCredential');
  const found = Array.isArray(kubeconfigs) ? kubeconfigs : [];
  const from = new URL(url).host;
  return described(
    found.map((entry) => endpointOf(entry, from)),
    door.clock.now(),
  );
}

/** Only the address and the authority: the user of such a kubeconfig is a program. */
function endpointOf(entry: unknown, from: string) {
  const { value } = (entry ?? {}) as { value?: unknown };
  const text = Buffer.from(String(value ?? ''), 'base64').toString('utf8');
  try {
    const { server, caData } = clusterOfKubeConfig(text);
    return endpointIn(server, caData, from);
  } catch (cause) {
    if (!(cause instanceof KubeConfigError)) throw cause;
    throw new CloudLoginError(`${from} named no address of the cluster: ${cause.message}`, {
      cause,
    });
  }
}
