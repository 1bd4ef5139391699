import type { KubeObject } from '@sluice/shared/api';

type Json = Record<string, unknown>;

/** One object in two revisions of a chart, and what somebody changes in the cluster between them. */
export interface UpgradeCase {
  name: string;
  from: KubeObject;
  to: KubeObject;
  /** A merge patch, or with `strategic` one that merges lists. */
  edit?: Json;
  strategic?: boolean;
}

/** A field of an object or of its parts, as `path.to.field`. */
export type Fields = Json;

export function object(apiVersion: string, kind: string, body: Json): KubeObject {
  const { metadata = {}, ...rest } = body;
  return { apiVersion, kind, metadata: { name: '', ...(metadata as Json) }, ...rest } as KubeObject;
}

export const app = { app: 'x' };

export const configMap = (data: Json | undefined, metadata: Fields = {}) =>
  object('v1', 'ConfigMap', { metadata, ...(data && { data }) });
export const service = (spec: Fields) =>
  object('v1', 'Service', { spec: { selector: app, ...spec } });
export const git = (spec: Fields) =>
  object('source.toolkit.fluxcd.io/v1', 'GitRepository', {
    spec: { url: 'https://example.com/x', interval: '1h', ...spec },
  });
export const port = (number: number, fields: Fields = {}) => ({
  port: number,
  name: `p${number}`,
  ...fields,
});
