import type { KubeObject, ObjectMeta } from '@sluice/shared/api';
import type { ApiResource } from '@sluice/shared/kube';
import { without } from '../object/json-pointer.ts';
import {
  fieldAt,
  fieldsOf,
  isCrd,
  isMap,
  isSecret,
  type JsonMap,
} from '../object/object-fields.ts';
import { displayName, objectIdOf } from '../object/object-id.ts';
import { ObjectError } from './apply-error.ts';

/**
 * Returns what is sent to the API server for an object of the source: without the metadata that only the server sets,
 * without a namespace when its kind has none, without the rules of an aggregated ClusterRole, and with `stringData` of a
 * Secret as `data`, for which alone the server keeps track of removed keys.
 *
 * @throws ObjectError when a namespaced object has no namespace
 */
export function payloadOf(object: KubeObject, resource: ApiResource): KubeObject {
  const metadata = payloadMetadata(object.metadata);
  if (!resource.namespaced) delete metadata.namespace;
  else if (!metadata.namespace) {
    throw new ObjectError(
      objectIdOf(object),
      `${displayName(object)} has no namespace; set its metadata.namespace or spec.targetNamespace`,
    );
  }
  const payload = { ...object, metadata };
  if (isSecret(object)) return withPlainData(payload);
  if (isAggregated(object)) return withoutRules(payload);
  return isCrd(object) ? withoutFakeCaBundle(payload) : payload;
}

function payloadMetadata(metadata: ObjectMeta): ObjectMeta {
  const { managedFields, resourceVersion, uid, generation, creationTimestamp, ...sent } = metadata;
  return sent;
}

/** Whether a controller of the cluster fills in the rules of a ClusterRole, and undoes what others write there. */
function isAggregated(object: KubeObject): boolean {
  const { group, kind } = objectIdOf(object);
  if (kind !== 'ClusterRole' || group !== 'rbac.authorization.k8s.io') return false;
  return isMap(fieldAt(object, 'aggregationRule'));
}

function withoutRules(role: KubeObject): KubeObject {
  const { rules: _, ...rest } = fieldsOf(role);
  return rest as unknown as KubeObject;
}

function withPlainData(secret: KubeObject): KubeObject {
  const { stringData, ...rest } = fieldsOf(secret);
  if (!isMap(stringData)) return rest as unknown as KubeObject;
  const data: JsonMap = isMap(rest['data']) ? { ...rest['data'] } : {};
  for (const [key, value] of Object.entries(stringData)) {
    data[key] = Buffer.from(String(value ?? '')).toString('base64');
  }
  return { ...rest, data } as unknown as KubeObject;
}

/** Generators leave a place-holder for a CA bundle that is injected in the cluster; the API server refuses it. */
function withoutFakeCaBundle(crd: KubeObject): KubeObject {
  const path = ['spec', 'conversion', 'webhook', 'clientConfig'];
  const bundle = fieldAt(crd, ...path, 'caBundle');
  if (typeof bundle !== 'string') return crd;
  if (Buffer.from(bundle, 'base64').toString('latin1').includes('BEGIN CERTIFICATE')) return crd;
  return without(crd, [...path, 'caBundle']) as KubeObject;
}
