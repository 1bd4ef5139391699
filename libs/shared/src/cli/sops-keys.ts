import { SopsError } from './sops-file.ts';

/** What sops says about a file, as its metadata has it; lists are arrays, or maps from their positions. */
export type Metadata = Record<string, unknown>;

/** Kinds of keys that sops would ask a service or another program for. */
const services: Record<string, string> = {
  kms: 'AWS KMS',
  gcp_kms: 'Google Cloud KMS',
  hckms: 'Huawei Cloud KMS',
  azure_kv: 'Azure Key Vault',
  hc_vault: 'HashiCorp Vault',
  pgp: 'PGP',
};

/** What the metadata holds besides keys. Names are compared as they are: sops itself takes them in any case. */
const otherFields = [
  'shamir_threshold',
  'lastmodified',
  'mac',
  'version',
  'unencrypted_suffix',
  'encrypted_suffix',
  'unencrypted_regex',
  'encrypted_regex',
  'unencrypted_comment_regex',
  'encrypted_comment_regex',
  'mac_only_encrypted',
];

const maxGroups = 20;
const maxAgeKeys = 500;

/** Tells whether a field holds keys of a kind that is not asked. */
export function isServiceKind(field: string): boolean {
  return Object.hasOwn(services, field);
}

function listOf(value: unknown): unknown[] {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value)) return value;
  return typeof value === 'object' ? Object.values(value) : [value];
}

function isMap(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The kinds of keys in a group, with how many there are. */
function kindsOf(group: Metadata, known: readonly string[], file: string): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const [field, value] of Object.entries(group)) {
    if (field === 'age' || isServiceKind(field)) {
      const { length } = listOf(value);
      if (length > 0) kinds.set(field, length);
    } else if (!known.includes(field)) {
      throw new SopsError(
        `'${file}' has a field in its sops metadata that is not known: encrypt it again with a current sops`,
      );
    }
  }
  return kinds;
}

/**
 * Checks that age keys are enough to decrypt a file, before any program sees it.
 *
 * @param file its name, for messages
 * @returns whether it also holds keys of other kinds, which must not reach the program
 * @throws SopsError that names the file and the kinds of keys that would be needed
 */
export function checkKeys(metadata: Metadata, file: string): boolean {
  const { key_groups: keyGroups, ...top } = metadata;
  const own = kindsOf(top, otherFields, file);
  const groups = listOf(keyGroups).map((group) => {
    if (isMap(group)) return kindsOf(group, [], file);
    throw new SopsError(`'${file}' has a key group that is no map: encrypt it again with sops`);
  });
  const all = [own, ...groups];
  // Keys outside of groups make sops forget the groups.
  const counted = own.size > 0 ? [own] : groups;
  refuseTooMany(all, file);
  const threshold = Number(metadata['shamir_threshold'] ?? 0) || counted.length;
  const withAge = counted.filter((group) => group.has('age'));
  if (withAge.length === 0 || withAge.length < threshold) {
    const kinds = [...new Set(counted.flatMap((group) => [...group.keys()]))];
    throw new SopsError(refusal(kinds, counted.length > 1, file));
  }
  return all.some((group) => [...group.keys()].some(isServiceKind));
}

function refuseTooMany(groups: Map<string, number>[], file: string): void {
  const keys = groups.reduce((sum, group) => sum + (group.get('age') ?? 0), 0);
  if (groups.length - 1 <= maxGroups && keys <= maxAgeKeys) return;
  throw new SopsError(
    `'${file}' is encrypted for more than ${maxAgeKeys} age keys or ${maxGroups} key groups: encrypt it for fewer`,
  );
}

function refusal(kinds: string[], inGroups: boolean, file: string): string {
  const names = kinds.filter(isServiceKind).map((kind) => services[kind]);
  if (names.length === 0) return `'${file}' is encrypted for no key at all: encrypt it with sops`;
  const where = inGroups ? 'to each of its key groups' : 'to it';
  return `'${file}' needs a key of ${names.join(', ')}, and such keys are never asked for: add an age key ${where} with sops updatekeys`;
}
