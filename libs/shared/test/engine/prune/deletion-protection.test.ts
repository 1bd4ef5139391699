import type { KubeObject } from '@sluice/shared/api';
import { type ObjectId, protectionOf, warnOfFlux } from '@sluice/shared/engine';
import { describe, expect, it } from 'vitest';
import { deployment } from '../engine-objects.ts';

const crd = (name: string): ObjectId => ({
  namespace: '',
  name,
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
});
const namespace = (name: string): ObjectId => ({
  namespace: '',
  name,
  group: '',
  kind: 'Namespace',
});

function protection(allow?: string) {
  const annotations = allow === undefined ? undefined : { 'prune.sluice.dev/allow': allow };
  return protectionOf({
    owner: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: { name: 'flux-system', namespace: 'tenant', annotations },
    },
    controllers: 'flux-system',
    targets: ['apps', undefined],
    inventory: [
      { id: '_before__Namespace', v: 'v1', adopted: true },
      { id: '_made__Namespace', v: 'v1' },
    ],
  });
}

describe('what is protected from deletion', () => {
  it.each([
    { id: crd('helmreleases.helm.toolkit.fluxcd.io'), why: 'every object of its kind' },
    { id: crd('imagepolicies.image.toolkit.fluxcd.io'), why: 'every object of its kind' },
    { id: namespace('flux-system'), why: 'the controllers run in it' },
    { id: namespace('tenant'), why: 'this Kustomization is in it' },
    { id: namespace('apps'), why: 'objects are put into' },
    { id: namespace('before'), why: 'it was there before' },
  ])('$id.kind $id.name, unless the annotation names it', ({ id, why }) => {
    const name = `${id.kind}/${id.name}`;
    const text = protection()(id);
    expect(text).toContain(`${name} stays: `);
    expect(text).toContain(why);
    expect(text).toContain('annotation prune.sluice.dev/allow of this Kustomization');
    expect(protection('Namespace/another,CustomResourceDefinition/x')(id)).toBe(text);
    expect(protection(`Namespace/another, ${name}`)(id)).toBeUndefined();
  });

  it.each([
    { id: crd('widgets.example.com') },
    { id: crd('things.toolkit.fluxcd.io.example.com') },
    { id: namespace('made') },
    { id: { namespace: 'flux-system', name: 'flux-system', group: '', kind: 'ConfigMap' } },
    { id: { namespace: '', name: 'apps', group: 'example.com', kind: 'Namespace' } },
  ])('not $id.kind $id.name of group "$id.group"', ({ id }) => {
    expect(protection()(id)).toBeUndefined();
  });
});

describe('what asks for a confirmation', () => {
  const id = { namespace: 'shop', name: 'data', group: '', kind: 'PersistentVolumeClaim' };
  const live = (value?: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: 'data',
      namespace: 'shop',
      ...(value !== undefined && { annotations: { 'prune.sluice.dev/confirm': value } }),
    },
  });

  it('stays until the annotation of the owner names it', () => {
    const text = protection()(id, live('required'));
    expect(text).toBe(
      'PersistentVolumeClaim/shop/data stays: its annotation prune.sluice.dev/confirm asks for a confirmation; ' +
        'to have it deleted, name it in the annotation prune.sluice.dev/allow of this Kustomization',
    );
    expect(protection('PersistentVolumeClaim/other/data')(id, live('required'))).toBe(text);
    expect(protection('PersistentVolumeClaim/shop/data')(id, live('required'))).toBeUndefined();
  });

  it.each([undefined, 'disabled'])('is not what has the value %s', (value) => {
    expect(protection()(id, live(value))).toBeUndefined();
  });

  it('is also what has a value that is misspelt', () => {
    expect(protection()(id, live('requred'))).toContain('stays');
  });
});

describe('controllers of Flux', () => {
  const image = (name: string, text: string) => deployment('flux-system', name, text);
  const instance: KubeObject = {
    apiVersion: 'fluxcd.controlplane.io/v1',
    kind: 'FluxInstance',
    metadata: { name: 'flux', namespace: 'flux-system' },
  };

  it('are warned of, wherever their images come from', () => {
    const objects = [
      image('kustomize-controller', 'ghcr.io/fluxcd/kustomize-controller:v1.7.0'),
      image('mirrored', 'registry.corp/x/fluxcd/helm-controller@sha256:00'),
      instance,
    ];
    expect(warnOfFlux(objects)).toContain(
      'Deployment/flux-system/kustomize-controller, Deployment/flux-system/mirrored, FluxInstance/flux-system/flux run controllers of Flux beside ours',
    );
  });

  it('are neither ours nor those without a counterpart', () => {
    const own = image(
      'kustomize-controller',
      'registry.example.com/sluice/kustomize-controller:v1',
    );
    const others = ['flux-cli', 'image-automation-controller'].map((name) =>
      image(name, `ghcr.io/fluxcd/${name}:v2`),
    );
    expect(warnOfFlux([own, ...others])).toBeUndefined();
  });
});
