import { CloudLoginError } from './cloud-error.ts';

/** A login to a registry. */
export interface RegistryCredentials {
  username: string;
  password: string;
}

/** Clouds whose identities log in. */
export type CloudName = 'aws' | 'azure' | 'gcp';

const garForm = /^(?:(?:(?:.+\.)?gcr\.io)|(?:.+-docker\.pkg\.dev)|(?:docker\.s3nsregistry\.fr))$/;
/** Who logs in to a registry of Google with a token. */
export const garUser = 'oauth2accesstoken';

/** @throws CloudLoginError when a host is no registry of Google */
export function checkGar(host: string): void {
  if (garForm.test(host)) return;
  throw new CloudLoginError(
    `'${host}' is no registry of Google: name <region>-docker.pkg.dev, or use the provider generic`,
  );
}
