import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A key that opens the data key of a file, by the field of the metadata that names it. */
export type SopsKey =
  | { kind: 'age'; recipient: string }
  | { kind: 'pgp'; fingerprint: string }
  | { kind: 'kms'; arn: string; role: string; context: Record<string, string> }
  | { kind: 'gcp_kms'; resource: string }
  | { kind: 'azure_kv'; vaultUrl: string; name: string; version: string }
  | { kind: 'hc_vault'; address: string; engine: string; name: string }
  | { kind: 'hckms'; id: string };

/** What sops asks for: the data key, or a share of it, as it is encrypted for one key. */
export interface DataKeyRequest {
  key: SopsKey;
  /** As the metadata has it, mostly base64 or armored. */
  ciphertext: string;
}

type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

/** All fields of these messages are texts, bytes or messages. */
function fieldsOf(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const fields = new Map<number, Uint8Array[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type !== WireType.LengthDelimited) {
      reader.skip(type, number);
      continue;
    }
    fields.set(number, [...(fields.get(number) ?? []), reader.bytes()]);
  }
  return fields;
}

function textOf(fields: Fields, number: number): string {
  return Buffer.from(fields.get(number)?.at(-1) ?? []).toString('utf8');
}

/** Entries of a map are messages of a key and a value. */
function mapOf(fields: Fields, number: number): Record<string, string> {
  const entries = (fields.get(number) ?? []).map(fieldsOf);
  return Object.fromEntries(entries.map((entry) => [textOf(entry, 1), textOf(entry, 2)]));
}

/** Readers of the kinds, by their numbers in the message `Key`. */
const kinds: Record<number, (fields: Fields) => SopsKey> = {
  1: (fields) => ({
    kind: 'kms',
    arn: textOf(fields, 1),
    role: textOf(fields, 2),
    context: mapOf(fields, 3),
  }),
  2: (fields) => ({ kind: 'pgp', fingerprint: textOf(fields, 1) }),
  3: (fields) => ({ kind: 'gcp_kms', resource: textOf(fields, 1) }),
  4: (fields) => ({
    kind: 'azure_kv',
    vaultUrl: textOf(fields, 1),
    name: textOf(fields, 2),
    version: textOf(fields, 3),
  }),
  5: (fields) => ({
    kind: 'hc_vault',
    address: textOf(fields, 1),
    engine: textOf(fields, 2),
    name: textOf(fields, 3),
  }),
  6: (fields) => ({ kind: 'age', recipient: textOf(fields, 1) }),
  7: (fields) => ({ kind: 'hckms', id: textOf(fields, 1) }),
};

/**
 * Reads a request of sops to its key service.
 *
 * @returns undefined when it names no key of a kind that is known
 * @throws RangeError when it is no such message
 * @see https://github.com/getsops/sops/blob/main/keyservice/keyservice.proto
 */
export function readDataKeyRequest(message: Uint8Array): DataKeyRequest | undefined {
  const fields = fieldsOf(message);
  const [entry] = fieldsOf(fields.get(1)?.at(-1) ?? new Uint8Array());
  const read = entry && kinds[entry[0]];
  if (entry === undefined || read === undefined) return undefined;
  const key = read(fieldsOf(entry[1].at(-1) ?? new Uint8Array()));
  return { key, ciphertext: textOf(fields, 2) };
}

/** Writes the answer: the data key, in the one field that both kinds of answers have. */
export function writeDataKey(dataKey: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(dataKey).finish();
}
