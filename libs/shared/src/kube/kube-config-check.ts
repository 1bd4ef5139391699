import { KubeConfigError } from './cluster-config.ts';

/** A named entry of a kubeconfig, as the file has it. */
export interface RawEntry {
  name?: string;
  cluster?: Record<string, unknown>;
  user?: Record<string, unknown>;
}

/** What the kubeconfig may use. */
export interface Allowed {
  files: boolean;
  exec?: boolean;
  insecureTls?: boolean;
}

const clusterFiles = ['certificate-authority'];
const userFiles = ['client-certificate', 'client-key', 'tokenFile', 'token-file'];

function refuseFiles(field: string, fields: Record<string, unknown>, names: string[]): void {
  const name = names.find((candidate) => fields[candidate]);
  if (name === undefined) return;
  const fix = name.startsWith('token') ? 'token' : `${name}-data`;
  throw new KubeConfigError(
    `${field}.${name} names a file, which a kubeconfig from a Secret must not: put the content into ${fix}`,
  );
}

/**
 * Checks a cluster entry before anything of it is used.
 *
 * @throws KubeConfigError naming the field and the fix
 */
export function checkCluster(entry: RawEntry, allowed: Allowed): void {
  const fields = entry.cluster ?? {};
  const field = `clusters[${entry.name}].cluster`;
  const server = fields['server'];
  if (typeof server !== 'string' || !URL.canParse(server)) {
    throw new KubeConfigError(`${field}.server is not a URL: set it to https://<host>:<port>`);
  }
  const { protocol } = new URL(server);
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new KubeConfigError(`${field}.server has the scheme ${protocol} instead of https:`);
  }
  if (protocol === 'http:' && !allowed.insecureTls) {
    throw new KubeConfigError(
      `${field}.server uses plain http, which is refused: use https, or allow it with --insecure-kubeconfig-tls`,
    );
  }
  if (fields['insecure-skip-tls-verify'] === true && !allowed.insecureTls) {
    throw new KubeConfigError(
      `${field}.insecure-skip-tls-verify is refused: set certificate-authority-data, or allow it with --insecure-kubeconfig-tls`,
    );
  }
  if (fields['proxy-url']) {
    throw new KubeConfigError(`${field}.proxy-url is not supported: remove it`);
  }
  if (!allowed.files) refuseFiles(field, fields, clusterFiles);
}

/**
 * Checks a user entry before anything of it is used.
 *
 * @throws KubeConfigError naming the field and the fix
 */
export function checkUser(entry: RawEntry, allowed: Allowed): void {
  const fields = entry.user ?? {};
  const field = `users[${entry.name}].user`;
  if (fields['auth-provider']) {
    throw new KubeConfigError(
      `${field}.auth-provider is not supported: use a token or a client certificate`,
    );
  }
  if (fields['exec'] && !allowed.exec) {
    throw new KubeConfigError(
      `${field}.exec is refused: use a token or a client certificate, or allow it with --insecure-kubeconfig-exec`,
    );
  }
  if (!allowed.files) refuseFiles(field, fields, userFiles);
}
