import { app } from './app.ts';
import { type BuildCase, configMap, deployment, kustomization } from './case.ts';

const replicas = (count: number) => `- {op: add, path: /spec/replicas, value: ${count}}`;

/** Patches of the spec, beside those of the file. */
export const patchCases: BuildCase[] = [
  {
    name: 'patches of both kinds, after those of the file',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['web.yaml', 'service.yaml', 'thing.yaml'],
        patches: [{ target: { kind: 'Deployment' }, patch: replicas(2) }],
      }),
      ...app,
    },
    spec: {
      patches: [
        { target: { kind: 'Deployment' }, patch: '- {op: test, path: /spec/replicas, value: 2}' },
        { target: { kind: 'Deployment', name: 'w.*' }, patch: replicas(3) },
        {
          patch:
            'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: side, $patch: delete}, {name: web, image: "nginx:2"}]}}}',
        },
        {
          target: { group: 'example.com', version: 'v1', kind: 'Thing', name: 'thing' },
          patch:
            'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: any}\nspec: {list: [{name: c}]}',
        },
      ],
    },
  },
  {
    name: 'patches by labels, annotations and namespaces',
    files: {
      'a.yaml': configMap('a', { metadata: { labels: { tier: 'x' } } }),
      'b.yaml': configMap('b', { metadata: { annotations: { note: 'y' } } }),
      'c.yaml': configMap('c', { metadata: { namespace: 'other' } }),
    },
    spec: {
      patches: [
        {
          target: { labelSelector: 'tier in (x, z)' },
          patch: '- {op: add, path: /data, value: {by: labels}}',
        },
        {
          target: { annotationSelector: 'note=y' },
          patch: '- {op: add, path: /data, value: {by: annotations}}',
        },
        {
          target: { namespace: 'other' },
          patch: '- {op: add, path: /data, value: {by: namespace}}',
        },
        { target: { kind: 'Nothing' }, patch: '- {op: remove, path: /data}' },
      ],
    },
  },
  {
    name: 'a patch that deletes, and one that renames',
    files: app,
    spec: {
      targetNamespace: 'team',
      patches: [
        { patch: '$patch: delete\napiVersion: v1\nkind: Service\nmetadata: {name: web}' },
        {
          target: { kind: 'ConfigMap' },
          patch: '- {op: replace, path: /metadata/name, value: renamed}',
        },
      ],
    },
  },
  {
    name: 'a patch with an empty target',
    files: { 'a.yaml': configMap('a'), 'web.yaml': deployment },
    spec: {
      patches: [
        { target: {}, patch: '- {op: add, path: /metadata/annotations, value: {all: "1"}}' },
      ],
    },
  },
  {
    name: 'several patches in one',
    files: { 'a.yaml': configMap('a'), 'b.yaml': configMap('b') },
    spec: {
      patches: [
        {
          patch: `${configMap('a', { data: { k: '1' } })}\n---\n${configMap('b', { data: { k: '2' } })}`,
        },
      ],
    },
  },
  {
    name: 'a patch of what is not there',
    refused: true,
    files: { 'a.yaml': configMap('a') },
    spec: { patches: [{ patch: configMap('b', { data: { k: 'v' } }) }] },
  },
  {
    name: 'a JSON patch without target',
    refused: true,
    files: { 'a.yaml': configMap('a') },
    spec: { patches: [{ patch: '- {op: add, path: /data, value: {}}' }] },
  },
  {
    name: 'a JSON patch that does not fit',
    refused: true,
    files: { 'a.yaml': configMap('a') },
    spec: {
      patches: [{ target: { kind: 'ConfigMap' }, patch: '- {op: remove, path: /data/none}' }],
    },
  },
  {
    name: 'a patch that is none',
    refused: true,
    files: { 'a.yaml': configMap('a') },
    spec: { patches: [{ patch: 'just text' }] },
  },
  {
    name: 'legacy patches, vars and replacements in the file',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['web.yaml', 'service.yaml', 'a.yaml'],
        patchesStrategicMerge: ['merge.yaml'],
        patchesJson6902: [
          {
            target: { group: 'apps', version: 'v1', kind: 'Deployment', name: 'web' },
            path: 'json.json',
          },
        ],
        vars: [
          { name: 'HOST', objref: { apiVersion: 'v1', kind: 'Service', name: 'web' } },
          {
            name: 'PORT',
            objref: { apiVersion: 'v1', kind: 'Service', name: 'web' },
            fieldref: { fieldpath: 'spec.ports[0].port' },
          },
        ],
        replacements: [
          { path: 'replacement.yaml' },
          {
            source: { kind: 'Service', fieldPath: 'metadata.name' },
            targets: [
              {
                select: { kind: 'ConfigMap' },
                fieldPaths: ['data.host'],
                options: { delimiter: '.', index: 0 },
              },
              {
                select: { kind: 'ConfigMap' },
                fieldPaths: ['data.new'],
                options: { create: true },
              },
            ],
          },
        ],
        configurations: ['config.yaml'],
      }),
      'a.yaml': configMap('a', {
        data: { host: 'x.example.com', port: '0', url: '$(HOST):$(PORT)' },
      }),
      'merge.yaml':
        'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n',
      'json.json': '[{"op": "add", "path": "/spec/replicas", "value": 4}]',
      'replacement.yaml':
        'source: {kind: Service, fieldPath: "spec.ports.0.port"}\ntargets: [{select: {kind: ConfigMap}, fieldPaths: [data.port]}]\n',
      'config.yaml': 'varReference: [{path: data, kind: ConfigMap}]\n',
      ...app,
    },
    spec: { namePrefix: 'p-' },
  },
];
