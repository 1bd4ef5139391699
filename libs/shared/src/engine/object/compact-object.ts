import { createHmac, randomBytes } from 'node:crypto';
import type { KubeObject, ManagedFieldsEntry } from '@sluice/shared/api';
import type { ApplierIdentity } from '../owner/applier-identity.ts';
import { fieldsOf, isCrd, isMap, isSecret, type JsonMap, mapsAt } from './object-fields.ts';
import { isOverridden } from './object-policy.ts';

/** Marks a value that was replaced by its digest; the API server accepts no such text as a name or base64. */
const digestMark = '\u0000digest:';
/** Longest value of a ConfigMap, in characters, that is kept as it is. */
const maxPlainLength = 128;
/** Written by `kubectl apply`; repeats the whole object. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

let processKey: Buffer | undefined;

/** Digests are keyed by a random value of this process, so that a memory dump gives no hold on short secrets. */
function digest(text: string): string {
  processKey ??= randomBytes(32);
  return digestMark + createHmac('sha256', processKey).update(text).digest('base64');
}

/**
 * Returns the object with values of Secrets, long values of ConfigMaps and the schemas of definitions replaced by
 * digests, equal exactly when the values are. Doing it twice changes nothing. The object itself is not changed.
 */
export function digestValues<T extends KubeObject>(object: T): T {
  if (isSecret(object)) return withDigests(object, ['data', 'stringData'], 0);
  if (isConfigMap(object)) {
    return withDigests(object, ['data', 'binaryData'], maxPlainLength);
  }
  return isCrd(object) ? withDigestedSchemas(object) : object;
}

/** Whether values of the object were replaced by digests. */
export function hasDigests(object: KubeObject): boolean {
  if (isCrd(object))
    return mapsAt(object, 'spec', 'versions').some(({ schema }) => isDigest(schema));
  if (!isSecret(object) && !isConfigMap(object)) return false;
  return ['data', 'stringData', 'binaryData'].some((field) => {
    const values = fieldsOf(object)[field];
    return isMap(values) && Object.values(values).some(isDigest);
  });
}

function isConfigMap({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'ConfigMap' && apiVersion === 'v1';
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(digestMark);
}

function withDigests<T extends KubeObject>(object: T, fields: string[], plainLength: number): T {
  const changed: JsonMap = {};
  for (const field of fields) {
    const values = fieldsOf(object)[field];
    if (!isMap(values)) continue;
    changed[field] = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, digested(value, plainLength)]),
    );
  }
  return { ...object, ...changed };
}

function digested(value: unknown, plainLength: number): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= plainLength || text.startsWith(digestMark) ? value : digest(text);
}

function withDigestedSchemas<T extends KubeObject>(object: T): T {
  const spec = fieldsOf(object)['spec'];
  if (!isMap(spec) || !Array.isArray(spec['versions'])) return object;
  const versions = spec['versions'].map((version: JsonMap) =>
    version['schema'] === undefined
      ? version
      : { ...version, schema: digested(version['schema'], 0) },
  );
  return { ...object, spec: { ...spec, versions } };
}

/**
 * Returns what a cache of live objects has to hold: values as digests, and of the managed fields only when `fieldManager`
 * last changed something, and whether there are some of managers that are overridden.
 */
export function compactObject<T extends KubeObject>(
  object: T,
  o: Pick<ApplierIdentity, 'fieldManager'> & Partial<Pick<ApplierIdentity, 'overridden'>>,
): T {
  const compact = digestValues(object);
  const { annotations, managedFields = [] } = object.metadata;
  const kept = managedFields
    .filter(
      (entry) => isAppliedBy(entry, o.fieldManager) || isOverridden(entry, o.overridden ?? []),
    )
    .map((entry): ManagedFieldsEntry => ({ ...entry, fieldsV1: undefined }));
  const metadata = { ...object.metadata, managedFields: kept };
  const lastApplied = annotations?.[lastAppliedAnnotation];
  if (lastApplied !== undefined) {
    metadata.annotations = { ...annotations, [lastAppliedAnnotation]: digest(lastApplied) };
  }
  return { ...compact, metadata };
}

/** Whether the entry holds what a manager has applied to the object itself. */
export function isAppliedBy(entry: ManagedFieldsEntry, fieldManager: string): boolean {
  return entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource;
}

/** Returns the entry of what a manager has applied, if any. */
export function appliedEntry(
  object: KubeObject,
  fieldManager: string,
): ManagedFieldsEntry | undefined {
  return object.metadata.managedFields?.find((entry) => isAppliedBy(entry, fieldManager));
}
