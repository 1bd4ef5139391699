import { CloudLoginError } from '../cloud-error.ts';
import { checkedCa, serverOf } from './described.ts';

/** Who tells where a cluster is, and whose tokens it takes. */
export type ClusterProvider = 'aws' | 'azure' | 'gcp' | 'generic';

/** What a ConfigMap says of a cluster. */
export interface ClusterSettings {
  provider: ClusterProvider;
  /** Its name at the cloud; empty when not told. */
  cluster: string;
  /** Address without a trailing slash. */
  server?: string;
  /** Authorities in PEM. */
  ca?: string;
  /** For whom tokens are; the provider's choice when not told. */
  audiences?: readonly string[];
  serviceAccountName?: string;
}

const providers: readonly string[] = ['aws', 'azure', 'gcp', 'generic'];
/** Bounds what a ConfigMap can have signed. */
const maxAudiences = 100;
const nameForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Reads what a ConfigMap says of a cluster.
 *
 * @throws CloudLoginError naming the key and the fix
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/#secret-less-authentication
 */
export function readClusterSettings(data: Record<string, string>): ClusterSettings {
  const { provider = '', cluster = '', address = '', serviceAccountName: account = '' } = data;
  if (!isProvider(provider)) {
    throw new CloudLoginError('provider must be aws, azure, gcp or generic: set it');
  }
  if (provider === 'generic' && address === '') {
    throw new CloudLoginError('address is needed by the provider generic: set https://<host>');
  }
  if (account !== '' && !nameForm.test(account)) {
    throw new CloudLoginError('serviceAccountName is no name of a ServiceAccount: correct it');
  }
  const ca = data['ca.crt'] ?? '';
  const audiences = audiencesIn(data['audiences'] ?? '');
  // As Flux does, the whole address as it is written.
  if (audiences.length === 0 && provider === 'generic') audiences.push(address);
  return {
    provider,
    cluster,
    ...(address !== '' && { server: serverOf(address, 'address') }),
    ...(ca !== '' && { ca: checkedCa(ca, 'ca.crt') }),
    ...(audiences.length > 0 && { audiences }),
    ...(account !== '' && { serviceAccountName: account }),
  };
}

function isProvider(name: string): name is ClusterProvider {
  return providers.includes(name);
}

/** One a line. */
function audiencesIn(text: string): string[] {
  const found = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (found.length <= maxAudiences) return found;
  throw new CloudLoginError(`audiences has over ${maxAudiences} lines: leave some out`);
}
