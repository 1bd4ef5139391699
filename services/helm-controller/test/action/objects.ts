import type { KubeObject } from '@sluice/shared/api';
import type { Hook, HookEvent, Release } from '../../src/release/release.ts';

/** An object whose fields beyond the metadata do not matter to types. */
export type Doc = Omit<KubeObject, 'metadata'> & {
  metadata: Partial<KubeObject['metadata']>;
  [field: string]: unknown;
};

/** Writes objects as the manifest of a release. */
export function manifestOf(objects: readonly Doc[]): string {
  return objects
    .map((object, i) => `---\n# Source: web/templates/${i}.yaml\n${JSON.stringify(object)}\n`)
    .join('');
}

/** A rendered release. */
export function rendered(
  namespace: string,
  objects: readonly Doc[],
  fields: Partial<Release> = {},
): Release {
  return {
    name: 'web',
    namespace,
    version: 1,
    info: { status: 'unknown' },
    chart: { metadata: { name: 'web', version: '1.0.0', apiVersion: 'v2' } },
    config: {},
    manifest: manifestOf(objects),
    apply_method: 'ssa',
    ...fields,
  };
}

export function configMap(name: string, data: Record<string, string> = {}, meta: object = {}): Doc {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...meta }, data };
}

export function serviceAccount(name: string): Doc {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
}

export function service(name: string): Doc {
  const spec = { selector: { app: name }, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

/** Returns the object without the field at a path. */
export function without(object: Doc, path: string): Doc {
  const copy = structuredClone(object);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((value, key) => (value as Doc)[key], copy);
  delete (parent as Doc)[last];
  return copy;
}

/** The template of Pods that behave as the fake node is told. */
function podTemplate(name: string, behaviour?: string) {
  const annotations: Record<string, string> = behaviour
    ? { 'test.sluice.dev/behaviour': behaviour }
    : {};
  return {
    metadata: {
      labels: { app: name },
      annotations,
    },
    spec: { containers: [{ name: 'main', image: 'example/app' }] },
  };
}

export function deployment(name: string, replicas = 0, behaviour?: string): Doc {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, behaviour),
    },
  };
}

export function job(name: string, behaviour?: string): Doc {
  const template = podTemplate(name, behaviour);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
    },
  };
}

/** A Pod that behaves as the fake node is told. */
export function pod(name: string, behaviour?: string): Doc {
  const { metadata, spec } = podTemplate(name, behaviour);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name },
    spec: { ...spec, restartPolicy: 'Never' },
  };
}

/** A hook that is made of one object. */
export function hook(object: Doc, events: HookEvent[], fields: Partial<Hook> = {}): Hook {
  const name = object.metadata.name ?? '';
  return {
    name,
    kind: object.kind,
    path: `web/templates/${name}.yaml`,
    manifest: JSON.stringify(object),
    events,
    last_run: { phase: '' },
    ...fields,
  };
}
