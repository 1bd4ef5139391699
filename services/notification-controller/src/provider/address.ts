import type { ProviderType } from './adapter.ts';
import { UnusableProviderError } from './delivery-error.ts';

const maxLength = 2048;
const where = "spec.address, or the key 'address' of the Secret of spec.secretRef,";

/** What an address is: of a server, of a Git repository, a name in the terms of the type, or not looked at. */
type AddressForm = 'name' | 'repository' | 'server' | 'unused';

const forms: Partial<Record<ProviderType, AddressForm>> = {
  azuredevops: 'repository',
  azureeventhub: 'name',
  bitbucket: 'repository',
  gitea: 'repository',
  giteapullrequestcomment: 'repository',
  github: 'repository',
  githubdispatch: 'repository',
  githubpullrequestcomment: 'repository',
  gitlab: 'repository',
  gitlabmergerequestcomment: 'repository',
  googlepubsub: 'name',
  nats: 'name',
  telegram: 'unused',
};

/**
 * Checks an address. That of a repository may have any form that Git takes, and is returned as an HTTP(S) address.
 *
 * @throws UnusableProviderError that says what is missing or wrong
 */
export function checkAddress(type: ProviderType, given: string): string {
  const form = forms[type] ?? 'server';
  const text = given.trim();
  if (form === 'unused') return '';
  if (text === '') throw new UnusableProviderError(`${where} is missing: name where to deliver to`);
  if (text.length > maxLength) {
    throw new UnusableProviderError(`${where} is longer than ${maxLength} characters`);
  }
  if (form === 'name') return text;
  const address = form === 'repository' ? overHttps(text) : text;
  if (/^https?:$/.test(URL.parse(address)?.protocol ?? '')) return address;
  throw new UnusableProviderError(`${where} is no HTTP or HTTPS address: write https://host/path`);
}

/** The API of a server is not at the port of its SSH. */
function overHttps(address: string): string {
  const [, host, path] =
    /^ssh:\/\/(?:[^@/]*@)?([^:/]+|\[[^\]/]+\])(?::\d*)?\/(.+)$/.exec(address) ??
    /^(?:[^@/:]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(address) ??
    [];
  return host === undefined ? address : `https://${host}/${path?.replace(/^\/+/, '')}`;
}
