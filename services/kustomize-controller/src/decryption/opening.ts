import type { Clock } from '@sluice/shared/base';
import type { CloudDoor, CloudIdentities } from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import type { Dispatcher } from '@sluice/shared/net';
import type { DecryptionKeys } from './held-keys.ts';
import type { VaultLogins } from './vault-key.ts';

/** What data keys are opened with, besides keys of tenants. */
export interface DataKeyDeps {
  /** Logs in as the account of `--default-decryption-service-account` unless an object names one. */
  identities: CloudIdentities;
  defaultServiceAccount: string;
  /** To services, with the guard before it. */
  dispatcher: Dispatcher;
  /** To addresses of the machine. */
  local: Dispatcher;
  clock: Clock;
  vaultLogins: VaultLogins | undefined;
}

/** For whom data keys are opened. */
export interface DataKeyOwner {
  client: KubeClient;
  namespace: string;
  name: string;
  keys: DecryptionKeys;
}

/** Everything that one data key is opened with. */
export interface Opening extends DataKeyDeps, DataKeyOwner {
  door: CloudDoor;
}
