import type { Adapter, ProviderType } from './adapter.ts';
import { alertmanager } from './alertmanager.ts';
import { DeliveryError } from './delivery-error.ts';
import { generic, genericHmac } from './generic.ts';
import { slack } from './slack.ts';

const adapters: Partial<Record<ProviderType, Adapter>> = {
  alertmanager,
  generic,
  'generic-hmac': genericHmac,
  slack,
};

/**
 * Finds the adapter of a type of provider.
 *
 * @throws DeliveryError, permanent, when there is none yet
 */
export function adapterFor(type: ProviderType): Adapter {
  const adapter = adapters[type];
  if (adapter === undefined) {
    const known = Object.keys(adapters).sort().join(', ');
    throw new DeliveryError(`spec.type '${type}' is not supported yet: use one of ${known}`, {
      permanent: true,
    });
  }
  return adapter;
}

/** Types that are told to write the status of a commit; the others do not get these events. */
const commitStatusTypes: readonly ProviderType[] = [
  'generic',
  'generic-hmac',
  'github',
  'gitlab',
  'gitea',
  'bitbucket',
  'bitbucketserver',
  'azuredevops',
];

/** Whether a type of provider gets events that ask for the status of a commit to be written. */
export function takesCommitStatusUpdates(type: ProviderType): boolean {
  return commitStatusTypes.includes(type);
}
