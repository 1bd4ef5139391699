import { FlagError, flag, readTokenFile } from '@sluice/shared/base';

/** Flags of services that download artifacts with a token. */
export const artifactTokenFlags = {
  'artifact-token-file': flag.string({
    default: '',
    help: 'File with the service account token with which artifacts are downloaded from --artifact-token-hosts, read at each download; empty for none.',
  }),
  'artifact-token-hosts': flag.list({
    default: [],
    help: 'Hosts of artifacts that are given the token of --artifact-token-file, each as in the address of an artifact, with the port if it is not 80; no other is.',
  }),
};

/** Values of {@link artifactTokenFlags}. */
export interface ArtifactTokenFlagValues {
  'artifact-token-file': string;
  'artifact-token-hosts': string[];
}

/**
 * Returns the value of the header `Authorization` for an address; undefined when it is none that gets a token.
 *
 * @throws Error when the token cannot be read
 */
export type AuthorizeDownload = (address: string) => Promise<string | undefined>;

/**
 * Makes the function that says with which token an artifact is downloaded. Whoever may write an artifact's address
 * chooses where it leads, so the token goes to the hosts that the administrator names, compared letter by letter, and to
 * no other.
 *
 * @throws FlagError when a host is none, or one flag is given without the other
 */
export function createAuthorizeDownload(flags: ArtifactTokenFlagValues): AuthorizeDownload {
  const file = flags['artifact-token-file'];
  const hosts = new Set(flags['artifact-token-hosts'].map(checkedHost));
  if ((file === '') !== (hosts.size === 0)) {
    throw new FlagError(
      '--artifact-token-file and --artifact-token-hosts have an effect together only: give both',
    );
  }
  return async (address) => {
    const url = URL.parse(address);
    if (url === null || !hosts.has(url.host)) return undefined;
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
    return `Bearer ${await readTokenFile(file, 'artifact-token-file')}`;
  };
}

function checkedHost(text: string): string {
  const url = URL.parse(`http://${text}/`);
  if (url !== null && url.href === `http://${url.host}/` && text !== '') return url.host;
  throw new FlagError(
    `--artifact-token-hosts: '${text}' is no host: write host or host:port, such as source-controller.flux-system.svc.cluster.local.`,
  );
}
