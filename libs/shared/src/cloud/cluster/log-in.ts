import { type ClusterLogin, KubeConfigError, type LogInToCluster } from '../../kube/index.ts';
import type { Dispatcher } from '../../net/index.ts';
import { CloudLoginError } from '../cloud-error.ts';
import { type CloudCaller, type CloudIdentities, withLogin } from '../identities.ts';
import type { ClusterEndpoint } from './described.ts';
import { type KnownCluster, knownCluster } from './provider.ts';
import { type ClusterSettings, readClusterSettings } from './settings.ts';

/**
 * Makes logins to the clusters that ConfigMaps describe.
 *
 * @param o.dispatcher to services of the clouds, with the guard before it
 */
export function createClusterLogins(o: {
  identities: CloudIdentities;
  dispatcher: Dispatcher;
}): LogInToCluster {
  const { identities, dispatcher } = o;
  return ({ data, client, namespace, user, signal }) =>
    asKubeConfigError(async (): Promise<ClusterLogin> => {
      const settings = readClusterSettings(data);
      const { audiences, serviceAccountName } = settings;
      const caller: CloudCaller = {
        client,
        namespace,
        serviceAccountName,
        audiences,
        dispatcher,
        via: '',
        user,
        signal: signal ?? new AbortController().signal,
      };
      const known = knownCluster(settings, identities);
      const endpoint = await endpointOf(settings, known, {
        caller,
        isController: identities.isController(caller),
      });
      // Whoever cannot log in is told so before anything is asked of the cluster.
      await known.token(caller);
      const later = { ...caller, user: undefined, signal: new AbortController().signal };
      return {
        ...endpoint,
        token: (refused) => asKubeConfigError(() => known.token({ ...later, refused })),
      };
    });
}

function asKubeConfigError<T>(run: () => Promise<T>): Promise<T> {
  return withLogin(run, (cause) => new KubeConfigError(cause.message, { cause }));
}

/**
 * Where the API server is. Tokens go there: those of a ServiceAccount to where its namespace wants them, those of the
 * controller only to where the cloud says that the cluster is.
 */
async function endpointOf(
  { server, ca }: ClusterSettings,
  { describe }: KnownCluster,
  { caller, isController }: { caller: CloudCaller; isController: boolean },
): Promise<ClusterEndpoint> {
  const isTold = server !== undefined && (ca !== undefined || describe === undefined);
  if (isTold && (describe === undefined || !isController)) {
    return { server, ...(ca !== undefined && { ca }) };
  }
  const endpoints = (await describe?.(caller)) ?? [];
  const found =
    server === undefined ? endpoints[0] : endpoints.find((endpoint) => endpoint.server === server);
  if (found === undefined) {
    const known = endpoints.map((endpoint) => endpoint.server).join(', ') || 'none';
    throw new CloudLoginError(
      `address is not one of the cluster: leave it out, or write one of these: ${known}`,
    );
  }
  if (ca === undefined) return found;
  if (!isController) return { server: found.server, ca };
  if (ca.replaceAll(/\s/g, '') === found.ca?.replaceAll(/\s/g, '')) return found;
  throw new CloudLoginError(
    "ca.crt is not that of the cluster, and the controller's identity is used with no other: leave it out, or log in as a ServiceAccount with serviceAccountName",
  );
}
