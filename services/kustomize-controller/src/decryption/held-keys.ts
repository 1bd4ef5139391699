import { parseYamlStream, YamlError } from '@sluice/shared/base';
import {
  type AwsCredentials,
  type AzureApplication,
  CloudLoginError,
  type GcpKey,
  gcpKeyIn,
} from '@sluice/shared/cloud';
import { buildFailed } from '../builder/errors.ts';

/** How to log in to Azure: as an application, or as one of the identities of the machine, by its ID. */
export type AzureGiven = { application: AzureApplication } | { machine: string };

/** What a Secret holds to open data keys with. */
export interface HeldKeys {
  /** age identities. */
  age: string[];
  /** OpenPGP private keys, armored. */
  pgp: string[];
  vaultToken?: string;
  /** Where alone that token is shown; anywhere when not told. */
  vaultAddresses?: string[];
  aws?: AwsCredentials;
  azure?: AzureGiven;
  gcp?: { key: GcpKey; where: string };
}

/** What a Kustomization has to open data keys with. */
export interface DecryptionKeys {
  held: HeldKeys;
  /** Where they come from, for messages; undefined when no Secret is named. */
  where: string | undefined;
  /** As whom it logs in where the Secret holds no login. */
  serviceAccountName: string | undefined;
  /** Digest of all that, without which the build could not be told from one with others. */
  digest: string;
}

type Reader = (text: string, where: string, held: HeldKeys) => void;

/** Entries whose name says what they are. */
const named: Record<string, Reader> = {
  'sops.vault-token': (text, where, held) => {
    held.vaultToken = text.trim();
    if (/^[\x21-\x7e]+$/.test(held.vaultToken)) return;
    throw buildFailed(`${where} holds no token: it must be one line`);
  },
  'sops.vault-address': (text, where, held) => {
    const lines = text.split('\n').map((line) => line.trim());
    held.vaultAddresses = lines.filter((line) => line !== '');
    if (held.vaultAddresses.length > 0) return;
    throw buildFailed(`${where} holds no address: write them as the files do, one a line`);
  },
  'sops.aws-kms': (text, where, held) => {
    held.aws = awsIn(text, where);
  },
  'sops.azure-kv': (text, where, held) => {
    held.azure = azureIn(text, where);
  },
  'sops.gcp-kms': (text, where, held) => {
    held.gcp = { key: gcpIn(text, where), where };
  },
};

/** Entries whose ending says what they are. */
const endings: [string, Reader][] = [
  ['.agekey', (text, where, held) => held.age.push(...identitiesIn(text, where))],
  ['.asc', (text, where, held) => held.pgp.push(...pgpKeysIn(text, where))],
];

/** A Secret without anything in it. */
export function noKeys(): HeldKeys {
  return { age: [], pgp: [] };
}

/** Texts that no message may show. */
export function secretsIn({ age, pgp, vaultToken, aws, azure, gcp }: HeldKeys): string[] {
  const proof = azure && 'application' in azure ? azure.application.proof : undefined;
  const certificate = proof && 'certificate' in proof ? proof.certificate : undefined;
  const found = [
    vaultToken,
    aws?.secretAccessKey,
    aws?.sessionToken,
    proof && 'secret' in proof ? proof.secret : undefined,
    certificate?.pem,
    certificate?.password,
    gcp?.key.privateKey,
  ];
  return [...age, ...pgp, ...found.filter((text) => text !== undefined)];
}

/**
 * Reads the keys and logins of a Secret; other entries are left alone, as in Flux.
 *
 * @param where names the Secret, for the message
 * @throws RetryableError BuildFailed that names the entry and the fix
 */
export function readHeldKeys(data: Record<string, string>, where: string): HeldKeys {
  const held = noKeys();
  for (const name of Object.keys(data).sort()) {
    const read = Object.hasOwn(named, name)
      ? named[name]
      : endings.find(([ending]) => name.endsWith(ending))?.[1];
    read?.(data[name] ?? '', `key '${name}' of ${where}`, held);
  }
  return held;
}

/** Reads the age identities in a text. */
export function identitiesIn(text: string, where: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  // Identities of plugins would need programs.
  if (identities.length > 0 && identities.every((line) => /^AGE-SECRET-KEY-/.test(line)))
    return identities;
  throw buildFailed(
    `${where} holds no age key: it must have lines that start with AGE-SECRET-KEY-`,
  );
}

const pgpBlock =
  /-----BEGIN PGP PRIVATE KEY BLOCK-----[\s\S]+?-----END PGP PRIVATE KEY BLOCK-----/g;

function pgpKeysIn(text: string, where: string): string[] {
  const blocks = text.match(pgpBlock);
  if (blocks !== null) return [...blocks];
  throw buildFailed(
    `${where} holds no OpenPGP private key: put the output of gpg --export-secret-keys --armor there`,
  );
}

/** The texts of a map in YAML or JSON. */
function textsIn(text: string, where: string): Record<string, string | undefined> {
  let value: unknown;
  try {
    [value] = parseYamlStream(text.replace(/^\uFEFF/, ''), where);
  } catch (error) {
    // Its message might quote the text.
    if (!(error instanceof YamlError)) throw error;
  }
  if (typeof value !== 'object' || value === null) {
    throw buildFailed(`${where} is no map in YAML or JSON: correct it`);
  }
  const texts = Object.entries(value).filter(([, each]) => typeof each !== 'object');
  return Object.fromEntries(texts.map(([key, each]) => [key, String(each)]));
}

function awsIn(text: string, where: string): AwsCredentials {
  const {
    aws_access_key_id: accessKeyId,
    aws_secret_access_key: secretAccessKey,
    aws_session_token: sessionToken,
  } = textsIn(text, where);
  if (!accessKeyId || !secretAccessKey) {
    throw buildFailed(`${where} needs aws_access_key_id and aws_secret_access_key: add them`);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

function azureIn(text: string, where: string): AzureGiven {
  const given = textsIn(text, where);
  const { tenantId, clientId, clientSecret, clientCertificate: pem, authorityHost } = given;
  const place = authorityHost ? { authority: authorityHost } : {};
  if (tenantId && clientId && (clientSecret || pem)) {
    const client = { tenant: tenantId, client: clientId, ...place };
    if (clientSecret) return { application: { client, proof: { secret: clientSecret } } };
    const password = given['clientCertificatePassword'];
    const sendChain = given['clientCertificateSendChain'] === 'true';
    const certificate = {
      pem: pem ?? '',
      sendChain,
      where: `clientCertificate in ${where}`,
      ...(password && { password }),
    };
    return { application: { client, proof: { certificate } } };
  }
  const { tenant, appId, password: secret } = given;
  if (tenant && appId && secret) {
    return { application: { client: { tenant, client: appId, ...place }, proof: { secret } } };
  }
  if (clientId) return { machine: clientId };
  throw buildFailed(
    `${where} needs tenantId, clientId and clientSecret or clientCertificate; or tenant, appId and password; or clientId alone: add them`,
  );
}

function gcpIn(text: string, where: string): GcpKey {
  try {
    return gcpKeyIn(text, where);
  } catch (error) {
    if (error instanceof CloudLoginError) throw buildFailed(error.message, error);
    throw error;
  }
}
