import { parseYamlStream, YamlError } from '@sluice/shared/base';
import { DataKeyError, type SopsKey } from '@sluice/shared/cli';
import {
  askJson,
  type CloudCaller,
  type CloudDoor,
  type CloudIdentities,
  CloudLoginError,
  type Issued,
  stringIn,
} from '@sluice/shared/cloud';
import { type KubeClient, readConfigData, whyNoConfig } from '@sluice/shared/kube';

/** A key of the transit engine of OpenBao or HashiCorp Vault. */
export type VaultKey = Extract<SopsKey, { kind: 'hc_vault' }>;

/** The ConfigMap of the administrator that says where ServiceAccounts log in. */
export interface VaultLogins {
  namespace: string;
  name: string;
}

/** The key of that ConfigMap. */
const configKey = 'config.yaml';

/** Path below `/v1/`, of which no part leads elsewhere. */
function pathOf(text: string, what: string): string {
  const parts = text.replace(/^\/+|\/+$/g, '').split('/');
  if (
    parts.length <= 20 &&
    parts.every((part) => /^[\w.@: -]{1,128}$/.test(part) && !/^\.+$/.test(part))
  )
    return parts.map(encodeURIComponent).join('/');
  throw new DataKeyError(`${what} is no path of OpenBao or Vault`);
}

function originOf(address: string): string {
  const url = URL.parse(address);
  const isHostAlone = url !== null && url.href === `${url.origin}/`;
  if (isHostAlone && /^https?:$/.test(url.protocol)) return url.origin;
  throw new DataKeyError('its address must be https://<host>:<port> and nothing else');
}

/**
 * Decrypts with a key of the transit engine.
 *
 * @returns the plaintext in base64
 * @throws CloudLoginError, DataKeyError
 * @see https://openbao.org/api-docs/secret/transit/#decrypt-data
 */
export async function vaultDecrypt(
  { address, engine, name }: VaultKey,
  { ciphertext, token }: { ciphertext: string; token: () => Promise<string> },
  door: CloudDoor,
): Promise<string> {
  const origin = originOf(address);
  const path = `${pathOf(engine, 'its engine')}/decrypt/${pathOf(name, 'its name')}`;
  const secret = await token();
  const answer = await askJson(
    {
      method: 'PUT',
      url: `${origin}/v1/${path}`,
      headers: { 'content-type': 'application/json', 'x-vault-token': secret },
      body: JSON.stringify({ ciphertext }),
      secrets: [secret],
      what: 'a decryption',
    },
    door,
  );
  return stringIn((answer['data'] ?? {}) as Record<string, unknown>, 'plaintext', origin);
}

/**
 * Gets a token of OpenBao or Vault for a ServiceAccount, where the administrator has listed the address. The role is
 * `<namespace>_<name>`, the audience the address, as in Flux.
 *
 * @throws CloudLoginError, DataKeyError
 */
export async function vaultToken(
  address: string,
  caller: CloudCaller,
  o: { identities: CloudIdentities; logins: VaultLogins; account: string },
): Promise<string> {
  const { identities, logins, account } = o;
  const loginPath = await loginPathOf(address, logins, caller);
  const jwt = await identities.account(caller, [address]);
  const role = `${caller.namespace}_${account}`;
  const key = ['vault', address, loginPath, role];
  return identities.issued(caller, key, async (door): Promise<Issued<string>> => {
    const answer = await askJson(
      {
        method: 'PUT',
        url: `${originOf(address)}/v1/${pathOf(loginPath, 'its loginPath')}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ role, jwt }),
        secrets: [jwt],
      },
      door,
    );
    const auth = (answer['auth'] ?? {}) as Record<string, unknown>;
    const seconds = Number(auth['lease_duration']) || 0;
    return {
      value: stringIn(auth, 'client_token', address),
      expiresAtMs: door.clock.now() + seconds * 1000,
    };
  });
}

async function loginPathOf(
  address: string,
  logins: VaultLogins,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<string> {
  const where = `ConfigMap '${logins.namespace}/${logins.name}' of --sops-vault-configmap`;
  let text: string | undefined;
  try {
    text = (await readConfigData(client, 'ConfigMap', logins, signal))[configKey];
  } catch (error) {
    signal.throwIfAborted();
    throw new CloudLoginError(`${where} ${whyNoConfig(error)}`, { cause: error });
  }
  const found = instancesIn(text ?? '', where).find((instance) => instance.address === address);
  if (typeof found?.loginPath === 'string' && found.loginPath !== '') return found.loginPath;
  throw new DataKeyError(
    `its address is not in ${where}: add it with its loginPath, or put a token into key sops.vault-token`,
  );
}

function instancesIn(text: string, where: string): { address?: unknown; loginPath?: unknown }[] {
  try {
    const [config] = parseYamlStream(text, where) as [{ instances?: unknown } | undefined];
    if (Array.isArray(config?.instances)) {
      return config.instances.filter((each) => typeof each === 'object' && each !== null);
    }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
  }
  throw new CloudLoginError(
    `key '${configKey}' of ${where} must be YAML with a list instances of address and loginPath: correct it`,
  );
}
