import type { Static, TProperties, TSchema, TSchemaOptions } from 'typebox';
import * as Type from 'typebox';

/** Extra JSON Schema keywords of a field, such as `default`, `pattern` or `minLength`. */
export type FieldOptions = TSchemaOptions;

/** A rule over several fields of one object, in the Common Expression Language. */
export interface CrossFieldRule {
  rule: string;
  message: string;
}

/** The keyword that marks a field Flux does not have. It reaches the reference docs but never the CRD. */
export const additionKeyword = 'x-sluice-addition';

/** Field options that mark a field as an addition of Sluice. */
export const addition = { [additionKeyword]: true } as const;

/** Makes a field optional. */
export const opt = Type.Optional;

/** A string field. */
export function str(description: string, options: FieldOptions = {}) {
  return Type.String({ description, ...options });
}

/** A boolean field. */
export function bool(description: string, options: FieldOptions = {}) {
  return Type.Boolean({ description, ...options });
}

/** An integer field of unspecified width, as Go's `int`. */
export function int(description: string, options: FieldOptions = {}) {
  return Type.Integer({ description, ...options });
}

/** A 64-bit integer field. */
export function int64(description: string, options: FieldOptions = {}) {
  return Type.Integer({ description, format: 'int64', ...options });
}

/** An RFC 3339 time with second precision. */
export function time(description: string) {
  return Type.String({ description, format: 'date-time' });
}

/** A Go duration in hours, minutes, seconds and milliseconds, such as `1h30m`. */
export function duration(description: string, options: FieldOptions = {}) {
  return str(description, { pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$', ...options });
}

/** A Go duration which may not be given in hours; used for limits on single operations. */
export function shortDuration(description: string, options: FieldOptions = {}) {
  return str(description, { pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m))+$', ...options });
}

/** A string field limited to the given values. */
export function enumOf<const T extends readonly string[]>(
  description: string,
  values: T,
  options: FieldOptions = {},
) {
  return Type.Unsafe<T[number]>({ type: 'string', description, enum: [...values], ...options });
}

/** A list field. */
export function list<T extends TSchema>(description: string, items: T, options: FieldOptions = {}) {
  return Type.Array(items, { description, ...options });
}

/** A list of strings. */
export function strList(description: string, itemDescription: string, options: FieldOptions = {}) {
  return list(description, str(itemDescription), options);
}

/** A map from strings to values of one schema. */
export function mapOf<T extends TSchema>(description: string, value: T) {
  return Type.Unsafe<Record<string, Static<T>>>({
    type: 'object',
    description,
    additionalProperties: value,
  });
}

/** A map from strings to strings. */
export function strMap(description: string, valueDescription: string) {
  return mapOf(description, str(valueDescription));
}

/** An object field. */
export function object<T extends TProperties>(
  description: string,
  properties: T,
  options: FieldOptions = {},
) {
  return Type.Object(properties, { description, ...options });
}

/** A field that holds any JSON value, stored as it is. */
export function anyJson(description: string) {
  return Type.Unsafe<unknown>({ description, 'x-kubernetes-preserve-unknown-fields': true });
}

/** Options that attach cross-field rules to an object. */
export function rules(...entries: CrossFieldRule[]): FieldOptions {
  return { 'x-kubernetes-validations': entries };
}

/** Options that make a list a map keyed by one of its items' fields. */
export function listMapBy(key: string): FieldOptions {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] };
}
