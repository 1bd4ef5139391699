import type { FlagValues } from '@sluice/shared/base';
import {
  type CloudIdentities,
  createClusterLogins,
  createIdentities,
  createLocalDispatcher,
} from '@sluice/shared/cloud';
import { TenantClients } from '@sluice/shared/kube';
import { createDispatcher, type Dispatcher, networkGuardOf } from '@sluice/shared/net';
import type { ApplierEnvironment, applierFlags } from './applier-flags.ts';
import type { ApplierDoors } from './applier-service.ts';

const connectTimeoutMs = 15_000;

/** What clients of other clusters are configured by. */
export interface TenantsConfig extends Pick<ApplierEnvironment, 'cloud'> {
  flags: FlagValues<typeof applierFlags>;
  gates: { ObjectLevelWorkloadIdentity: boolean };
}

/** Logins to clouds. */
export interface ApplierLogins {
  identities: CloudIdentities;
  /** To what objects name, with the guard before it. */
  dispatcher: Dispatcher;
  /** To addresses of the machine. */
  local: Dispatcher;
}

/** Makes the clients of other clusters, and the logins to them; `close` ends all their connections. */
export function createTenants(
  { flags, gates, cloud }: TenantsConfig,
  { metrics }: Pick<ApplierDoors, 'metrics'>,
): { tenants: TenantClients; logins: ApplierLogins; close(): Promise<void> } {
  const guard = networkGuardOf(flags);
  const local = createLocalDispatcher();
  const dispatcher = createDispatcher({ guard, connectTimeoutMs });
  const flag = 'default-kubeconfig-service-account';
  const identities = createIdentities({
    flags,
    account: { flag, name: flags[flag] },
    isObjectLevel: gates.ObjectLevelWorkloadIdentity,
    environment: cloud,
    monitor: metrics.tokens,
    local,
  });
  const tenants = new TenantClients({
    guard,
    logIn: createClusterLogins({ identities, dispatcher }),
    clientOptions: { onRequest: metrics.apiRequest },
  });
  return {
    tenants,
    logins: { identities, dispatcher, local },
    async close() {
      await tenants.close();
      await Promise.all([dispatcher.destroy(), local.destroy()]);
    },
  };
}
