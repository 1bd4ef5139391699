/** A login for a registry. */
export interface RegistryLogin {
  username: string;
  password: string;
}

/** A Secret's Docker configuration that cannot be used; the message holds none of its values. */
export class DockerConfigError extends Error {
  override name = 'DockerConfigError';
}

interface Entry {
  auth?: unknown;
  username?: unknown;
  password?: unknown;
}

/** Names under which Docker Hub's login may be kept. */
const dockerHubNames = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/**
 * Finds the login for a registry in the content of `.dockerconfigjson`.
 *
 * @param host host and port of the registry
 * @returns undefined when it has none for this registry
 * @throws DockerConfigError when the content is no Docker configuration
 */
export function findLogin(dockerConfigJson: string, host: string): RegistryLogin | undefined {
  let auths: Record<string, Entry>;
  try {
    const parsed = JSON.parse(dockerConfigJson) as { auths?: Record<string, Entry> } | null;
    auths = parsed?.auths ?? {};
  } catch {
    // The parser's message would quote the content.
    throw new DockerConfigError('.dockerconfigjson is not valid JSON');
  }
  const names = dockerHubNames.includes(host) ? dockerHubNames : [host];
  for (const [key, entry] of Object.entries(auths)) {
    if (names.includes(hostOf(key))) return loginOf(entry, key);
  }
  return undefined;
}

/** Keys are hosts, at times with a scheme and a path. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function loginOf(entry: Entry | null, key: string): RegistryLogin {
  if (typeof entry?.auth === 'string' && entry.auth !== '') {
    const text = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon > 0) return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  if (typeof entry?.username === 'string' && typeof entry.password === 'string') {
    return { username: entry.username, password: entry.password };
  }
  throw new DockerConfigError(
    `.dockerconfigjson has no usable auth, nor username and password, for '${key}'`,
  );
}
