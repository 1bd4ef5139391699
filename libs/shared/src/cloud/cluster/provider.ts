import { awsKey } from '../aws/credentials.ts';
import { describeEks, eksCluster, eksToken } from '../aws/eks.ts';
import { aksPath, azureManagement, describeAks } from '../azure/aks.ts';
import { azureScopes } from '../azure/scopes.ts';
import { describeGke, gkePath } from '../gcp/gke.ts';
import type { CloudCaller, CloudIdentities } from '../identities.ts';
import type { DescribedCluster } from './described.ts';
import type { ClusterSettings } from './settings.ts';

/** Who knows a cluster. */
export interface KnownCluster {
  /** Asks where it is; absent when nobody but the settings can tell. */
  describe?: (caller: CloudCaller) => Promise<DescribedCluster>;
  /** A token that it takes. */
  token: (caller: CloudCaller) => Promise<string>;
}

/**
 * Finds who knows a cluster.
 *
 * @throws CloudLoginError when its name is needed and not right; what it returns throws that as well
 */
export function knownCluster(settings: ClusterSettings, identities: CloudIdentities): KnownCluster {
  const { provider, audiences = [] } = settings;
  if (provider === 'aws') return awsCluster(settings, identities);
  if (provider === 'azure') return azureCluster(settings, identities);
  if (provider === 'gcp') return gcpCluster(settings, identities);
  return { token: (caller) => identities.account(caller, audiences) };
}

function awsCluster(settings: ClusterSettings, identities: CloudIdentities): KnownCluster {
  const cluster = eksCluster(settings.cluster);
  const { arn, region } = cluster;
  return {
    async describe(caller) {
      const credentials = await identities.aws(caller, { region });
      const key = ['eks', arn, ...awsKey(credentials)];
      return identities.issued(caller, key, (door) => describeEks(cluster, credentials, door));
    },
    async token(caller) {
      const credentials = await identities.aws(caller, { region });
      const key = ['eks-token', arn, ...awsKey(credentials)];
      return identities.issued(caller, key, ({ clock }) =>
        eksToken(cluster, credentials, clock.now()),
      );
    },
  };
}

function azureCluster({ cluster }: ClusterSettings, identities: CloudIdentities): KnownCluster {
  const { url, scope } = azureManagement(identities.environment);
  return {
    async describe(caller) {
      const path = aksPath(cluster);
      const token = await identities.azure(caller, scope);
      const key = ['aks', url, path, token];
      return identities.issued(caller, key, (door) => describeAks({ url, path, token }, door));
    },
    token: (caller) => identities.azure(caller, azureScopes.clusters),
  };
}

function gcpCluster({ cluster }: ClusterSettings, identities: CloudIdentities): KnownCluster {
  return {
    async describe(caller) {
      const path = gkePath(cluster);
      const token = await identities.gcp(caller);
      const key = ['gke', path, token];
      return identities.issued(caller, key, (door) => describeGke({ path, token }, door));
    },
    token: (caller) => identities.gcp(caller),
  };
}
