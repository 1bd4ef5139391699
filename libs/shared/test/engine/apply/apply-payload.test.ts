import type { KubeObject } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { describe, expect, it } from 'vitest';
import { hasOverridden, takeOverPatch } from '../../../src/engine/apply/apply-managers.ts';
import { payloadOf } from '../../../src/engine/apply/apply-payload.ts';
import { kubectlManagers, managersByPrefix } from '../../../src/engine/object/object-policy.ts';

const { configMaps, customResourceDefinitions, namespaces, secrets } = coreResources;

describe('payloadOf', () => {
  it('leaves out what only the server sets', () => {
    const metadata = {
      name: 'x',
      namespace: 'ns',
      resourceVersion: '1',
      uid: 'u',
      generation: 2,
      creationTimestamp: 'then',
      managedFields: [],
      labels: { a: 'b' },
    };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
    expect(payloadOf(object, configMaps).metadata).toEqual({
      name: 'x',
      namespace: 'ns',
      labels: { a: 'b' },
    });
    expect(object.metadata).toBe(metadata);
  });

  it('leaves out a namespace that the kind does not have, and asks for one that it needs', () => {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x', namespace: 'y' } };
    expect(payloadOf(object, namespaces).metadata).toEqual({ name: 'x' });
    const homeless = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } };
    expect(() => payloadOf(homeless, configMaps)).toThrow('ConfigMap/x has no namespace; set its');
  });

  it('moves stringData of a Secret over its data', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x', namespace: 'ns' },
      data: { a: 'MQ==', b: 'MQ==' },
      stringData: { b: '2' },
    };
    const payload = payloadOf(secret, secrets) as typeof secret;
    expect(payload.data).toEqual({ a: 'MQ==', b: 'Mg==' });
    expect(payload.stringData).toBeUndefined();
  });

  it.each([
    { name: 'removes a place-holder of a CA bundle', caBundle: 'Cg==', kept: false },
    {
      name: 'keeps a CA bundle',
      caBundle: Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64'),
      kept: true,
    },
  ])('$name', ({ caBundle, kept }) => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x' },
      spec: { conversion: { webhook: { clientConfig: { caBundle } } } },
    };
    const payload = payloadOf(crd, customResourceDefinitions) as typeof crd;
    expect('caBundle' in payload.spec.conversion.webhook.clientConfig).toBe(kept);
    expect(crd.spec.conversion.webhook.clientConfig.caBundle).toBe(caBundle);
  });
});

describe('takeOverPatch', () => {
  const fields = (name: string) => ({ 'f:data': { [`f:${name}`]: {} } });
  const entry = (manager: string, operation: 'Apply' | 'Update', name: string) => ({
    manager,
    operation,
    apiVersion: 'v1',
    fieldsV1: fields(name),
  });
  const object = (managedFields: object[], annotations?: object) =>
    ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace: 'ns', resourceVersion: '7', managedFields, annotations },
    }) as KubeObject;
  const identity = { fieldManager: 'me', overridden: managersByPrefix(kubectlManagers) };
  const options = { identity };

  it('joins the fields of overridden managers with ours, and keeps the others', () => {
    const theirs = entry('hpa', 'Update', 'c');
    const kubectl = entry('kubectl-client-side-apply', 'Update', 'b');
    const patch = takeOverPatch(object([entry('me', 'Apply', 'a'), theirs, kubectl]), options);
    const joined = {
      ...entry('me', 'Apply', 'a'),
      fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } },
    };
    expect(patch).toEqual([
      { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
      { op: 'replace', path: '/metadata/managedFields', value: [theirs, joined] },
    ]);
  });

  it('leaves operational annotations to their manager if told, and takes what else that has set', () => {
    const restarted = { 'f:kubectl.kubernetes.io/restartedAt': {} };
    const annotations = (more: object) => ({
      'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { '.': {}, ...more } } } },
    });
    const rollout = {
      ...entry('kubectl-rollout', 'Update', 'x'),
      fieldsV1: annotations(restarted),
    };
    const edit = {
      ...entry('kubectl-edit', 'Update', 'x'),
      fieldsV1: { ...annotations(restarted), ...fields('b') },
    };
    const own = entry('me', 'Apply', 'a');
    const spare = { identity, takeOver: 'but operational' } as const;
    expect(hasOverridden(object([own, rollout]), spare)).toBe(false);
    expect(hasOverridden(object([own, rollout]), options)).toBe(true);
    expect(takeOverPatch(object([own, rollout, edit]), spare)[1]).toEqual({
      op: 'replace',
      path: '/metadata/managedFields',
      value: [
        rollout,
        { ...edit, fieldsV1: annotations(restarted) },
        { ...own, fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } } },
      ],
    });
  });

  it('removes the annotations of earlier tools', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', other: 'x' };
    const patch = takeOverPatch(object([entry('kubectl', 'Apply', 'a')], annotations), options);
    expect(patch.at(-1)).toEqual({
      op: 'remove',
      path: '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
    });
  });
});
