import type { KubeObject } from '@sluice/shared/api';

import { isExactInteger } from '@sluice/shared/base';

/** A JSON object whose shape is not known. */
export type JsonMap = Record<string, unknown>;

/** Tells a JSON object from lists and scalars. */
export function isMap(value: unknown): value is JsonMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactInteger(value)
  );
}

/** Returns the object as a JSON map, through which fields of any kind are reachable. */
export function fieldsOf(object: KubeObject): JsonMap {
  return object as unknown as JsonMap;
}

/** Returns the value at a path of map keys, or undefined when a part of the path is missing. */
export function fieldAt(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const key of path) {
    if (!isMap(current)) return undefined;
    current = current[key];
  }
  return current;
}

/** Returns the integer at a path, or the fallback when there is none. */
export function intAt(value: unknown, path: string[], fallback: number): number {
  const found = fieldAt(value, ...path);
  return typeof found === 'number' ? found : fallback;
}

/** Returns the string at a path, or the fallback when there is none. */
export function stringAt(value: unknown, path: string[], fallback = ''): string {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' ? found : fallback;
}

/** Returns the maps in the list at a path; none when there is no list. */
export function mapsAt(value: unknown, ...path: string[]): JsonMap[] {
  const found = fieldAt(value, ...path);
  return Array.isArray(found) ? found.filter(isMap) : [];
}

/** Returns the API group in an `apiVersion`, '' for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** Returns the version in an `apiVersion`. */
export function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}

/** Whether the object is a core Secret, whose values must not be shown. */
export function isSecret(object: { apiVersion: string; kind: string }): boolean {
  return object.kind === 'Secret' && object.apiVersion === 'v1';
}

/** Whether the object is a definition of a custom resource. */
export function isCrd(object: { apiVersion: string; kind: string }): boolean {
  return (
    object.kind === 'CustomResourceDefinition' &&
    groupOf(object.apiVersion) === 'apiextensions.k8s.io'
  );
}
