import { DataKeyError, type DataKeyRequest, type SopsKey } from '@sluice/shared/cli';
import {
  awsKmsDecrypt,
  azureApplicationToken,
  azureMachineToken,
  type CloudCaller,
  gcpKeyToken,
  gcpKmsDecrypt,
  keyVaultDecrypt,
  keyVaultKey,
} from '@sluice/shared/cloud';
import { openWithAge } from './age-key.ts';
import type { Opening } from './opening.ts';
import { openWithPgp } from './pgp-key.ts';
import { type VaultKey, vaultDecrypt, vaultToken } from './vault-key.ts';

const kmsScope = 'https://www.googleapis.com/auth/cloudkms';
const base64Form = /^[A-Za-z0-9+/]+={0,2}$/;
const base64UrlForm = /^[A-Za-z0-9_-]+$/;

/**
 * Opens a data key with whatever the kind of its key needs.
 *
 * @throws DataKeyError, CloudLoginError
 */
export async function openBy(
  { key, ciphertext }: DataKeyRequest,
  opening: Opening,
): Promise<Uint8Array> {
  switch (key.kind) {
    case 'age':
    case 'pgp':
      return openHere(key.kind, ciphertext, opening);
    case 'kms': {
      const request = { ...key, ciphertext: checked(ciphertext, base64Form) };
      const { identities, door, keys } = opening;
      const o = { identities, door, caller: callerOf(opening) };
      return decoded(await awsKmsDecrypt(request, keys.held.aws, o));
    }
    case 'gcp_kms': {
      const request = { ...key, ciphertext: checked(ciphertext, base64Form) };
      return decoded(await gcpKmsDecrypt(request, () => gcpToken(opening), opening.door));
    }
    case 'azure_kv':
      return openWithAzure({ ...key, ciphertext: checked(ciphertext, base64UrlForm) }, opening);
    case 'hc_vault': {
      const token = () => tokenOf(key, opening);
      return decoded(await vaultDecrypt(key, { ciphertext, token }, opening.door));
    }
    case 'hckms':
      throw new DataKeyError('such keys are never asked for: add another key with sops updatekeys');
  }
}

function checked(ciphertext: string, form: RegExp): string {
  if (form.test(ciphertext)) return ciphertext;
  throw new DataKeyError('what is encrypted with it is not in the form of sops: encrypt it again');
}

function decoded(plaintext: string): Uint8Array {
  return Buffer.from(plaintext, 'base64');
}

/** With keys that are at hand. */
async function openHere(
  kind: 'age' | 'pgp',
  ciphertext: string,
  { keys: { held, where } }: Opening,
): Promise<Uint8Array> {
  const [all, open, shown, entry] =
    kind === 'age'
      ? ([held.age, openWithAge, 'age key', '.agekey'] as const)
      : ([held.pgp, openWithPgp, 'OpenPGP key', '.asc'] as const);
  const place = where ?? 'a Secret, and name that in spec.decryption.secretRef';
  const fix = `put its private part under a name that ends in ${entry} into ${place}`;
  if (all.length === 0) throw new DataKeyError(`there is no ${shown}: ${fix}`);
  const dataKey = await open(all, ciphertext);
  if (dataKey !== undefined) return dataKey;
  throw new DataKeyError(`no ${shown} at hand fits: ${fix}`);
}

function callerOf({ client, namespace, name, keys, dispatcher, door }: Opening): CloudCaller {
  return {
    client,
    namespace,
    serviceAccountName: keys.serviceAccountName,
    user: { kind: 'Kustomization', namespace, name },
    dispatcher,
    via: '',
    signal: door.signal,
  };
}

function gcpToken(opening: Opening): Promise<string> {
  const { identities, keys } = opening;
  const caller = callerOf(opening);
  const { gcp } = keys.held;
  if (gcp === undefined) return identities.gcp(caller);
  const { key, where } = gcp;
  return identities.issued(caller, ['gcp-key', kmsScope, JSON.stringify(key)], (door) =>
    gcpKeyToken(key, { scopes: [kmsScope], where }, door),
  );
}

async function openWithAzure(
  request: Extract<SopsKey, { kind: 'azure_kv' }> & { ciphertext: string },
  opening: Opening,
): Promise<Uint8Array> {
  const vaultKey = keyVaultKey(request);
  const token = await azureToken(vaultKey.scope, opening);
  const { ciphertext } = request;
  const plaintext = await keyVaultDecrypt(vaultKey, { ciphertext, token }, opening.door);
  return Buffer.from(plaintext, 'base64url');
}

function azureToken(scope: string, opening: Opening): Promise<string> {
  const { identities, local, keys } = opening;
  const asker = { identities, caller: callerOf(opening) };
  const { azure } = keys.held;
  if (azure === undefined) return identities.azure(asker.caller, scope);
  if ('application' in azure) return azureApplicationToken(asker, azure.application, scope);
  return azureMachineToken(asker, { client: azure.machine, scope }, local);
}

async function tokenOf({ address }: VaultKey, opening: Opening): Promise<string> {
  const { keys, vaultLogins: logins, identities, defaultServiceAccount } = opening;
  const { held, where = 'the Secret of spec.decryption.secretRef' } = keys;
  if (held.vaultAddresses?.includes(address) === false) {
    throw new DataKeyError(`its address is not in key sops.vault-address of ${where}`);
  }
  if (held.vaultToken !== undefined) return held.vaultToken;
  if (logins === undefined) {
    throw new DataKeyError(`there is no token: put one into key sops.vault-token of ${where}`);
  }
  const account = keys.serviceAccountName || defaultServiceAccount;
  return vaultToken(address, callerOf(opening), { identities, logins, account });
}
