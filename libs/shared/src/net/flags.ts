import { type FlagSpec, flag } from '@sluice/shared/base';
import type { Dispatcher } from 'undici';
import { checkAddressList } from './address-policy.ts';
import { createDispatcher } from './dispatcher.ts';
import { NetworkGuard } from './guard.ts';

function addressFlag(help: string): FlagSpec<string[]> {
  const spec = flag.list({ default: [], help });
  return {
    ...spec,
    parse(text) {
      const entries = spec.parse(text);
      checkAddressList(entries);
      return entries;
    },
  };
}

/** Flags that say where connections may lead whose target an object names. */
export const networkFlags = {
  'allow-addresses': addressFlag(
    'IP ranges, and classes of addresses (metadata, loopback, link-local, unspecified, broadcast, multicast, private), that objects may have the controller connect to although they are refused by default or by --deny-addresses.',
  ),
  'deny-addresses': addressFlag(
    'IP ranges, and classes of addresses, that objects may not have the controller connect to; refused by default are all classes but private.',
  ),
};

/** Values of {@link networkFlags}. */
export interface NetworkFlagValues {
  'allow-addresses': string[];
  'deny-addresses': string[];
}

/** Makes the guard that the flags describe. */
export function networkGuardOf(flags: NetworkFlagValues): NetworkGuard {
  return new NetworkGuard({ allow: flags['allow-addresses'], deny: flags['deny-addresses'] });
}

const artifactTimeoutMs = 15_000;

/**
 * Makes the connection pools through which artifacts are downloaded. Their servers are Services of the cluster, which
 * have private addresses, so that these are allowed whatever the flags say.
 */
export function createArtifactDispatcher(flags: NetworkFlagValues): Dispatcher {
  const allow = [...flags['allow-addresses'], 'private'];
  const guard = new NetworkGuard({ allow, deny: flags['deny-addresses'] });
  return createDispatcher({ guard, connectTimeoutMs: artifactTimeoutMs });
}
