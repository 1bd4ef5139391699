import {
  type BuildCase,
  component,
  configMap,
  deployment,
  kustomization,
  service,
  thing,
} from './case.ts';

const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n';
const cluster = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web}
rules: [{apiGroups: [""], resources: [pods], verbs: [get], resourceNames: [web]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: old}, {kind: User, name: jane}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: web}
webhooks: [{name: web.example.com, admissionReviewVersions: [v1], sideEffects: None, clientConfig: {service: {name: web, namespace: old}}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: old}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`;
const settings = configMap('settings', { data: { a: 'b' }, metadata: { namespace: 'other' } });
const app = {
  'web.yaml': deployment,
  'service.yaml': service,
  'account.yaml': account,
  'cluster.yaml': cluster,
  'settings.yaml': settings,
  'thing.yaml': thing(
    'thing',
    'spec: {image: "nginx:1", list: [{name: a, v: 1}, {name: b, v: 2}]}',
  ),
};

const names: BuildCase[] = [
  { name: 'targetNamespace', files: app, spec: { targetNamespace: 'team' } },
  { name: 'namePrefix and nameSuffix', files: app, spec: { namePrefix: 'p-', nameSuffix: '-s' } },
  {
    name: 'targetNamespace, namePrefix and nameSuffix over those of the file',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['web.yaml', 'cluster.yaml', 'settings.yaml', 'account.yaml'],
        namespace: 'from-file',
        namePrefix: 'file-',
        nameSuffix: '-file',
      }),
      ...app,
    },
    spec: { targetNamespace: 'team', namePrefix: 'p-', nameSuffix: '-s' },
  },
  {
    name: 'a targetNamespace that makes two objects one',
    refused: true,
    files: {
      'a.yaml': configMap('a', { metadata: { namespace: 'x' } }),
      'b.yaml': configMap('a', { metadata: { namespace: 'y' } }),
    },
    spec: { targetNamespace: 'team' },
  },
  {
    name: 'a namePrefix for generated names',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['web.yaml'],
        configMapGenerator: [{ name: 'settings', literals: ['a=b'] }],
      }),
      'web.yaml': deployment,
    },
    spec: { namePrefix: 'p-', targetNamespace: 'team' },
  },
];

const replicas = (count: number) => `- {op: add, path: /spec/replicas, value: ${count}}`;

const patches: BuildCase[] = [
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

const images: BuildCase[] = [
  {
    name: 'images over those of the file',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['web.yaml'],
        images: [
          { name: 'nginx', newName: 'mirror/nginx', newTag: '2' },
          { name: 'busybox', digest: `sha256:${'b'.repeat(64)}` },
        ],
      }),
      'web.yaml': deployment,
    },
    spec: {
      images: [
        { name: 'nginx', digest: `sha256:${'c'.repeat(64)}` },
        { name: 'busybox', newTag: '3' },
        { name: 'registry.example.com:5000/tools/init', newName: 'init' },
        { name: 'nothing', newTag: '1' },
      ],
    },
  },
  {
    name: 'an image whose name alone changes',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['web.yaml'],
        images: [{ name: 'nginx', newTag: '2' }],
      }),
      'web.yaml': deployment,
    },
    spec: {
      images: [
        { name: 'nginx', newName: 'mirror/nginx' },
        { name: 'nginx', newTag: '4' },
      ],
    },
  },
];

const componentFiles = {
  'app/kustomization.yaml': kustomization({ resources: ['a.yaml'], components: ['../one'] }),
  'app/a.yaml': configMap('a'),
  'one/kustomization.yaml': component({ resources: ['cm.yaml'], nameSuffix: '-1' }),
  'one/cm.yaml': configMap('one'),
  'two/kustomization.yaml': component({ resources: ['cm.yaml'], nameSuffix: '-2' }),
  'two/cm.yaml': configMap('two'),
};

const components: BuildCase[] = [
  {
    name: 'components, after those of the file',
    files: componentFiles,
    spec: { path: 'app', components: ['../two'], targetNamespace: 'team' },
  },
  {
    name: 'components for generated kustomization files',
    files: {
      'app/a.yaml': configMap('a'),
      'two/kustomization.yaml': componentFiles['two/kustomization.yaml'],
      'two/cm.yaml': configMap('two'),
    },
    spec: { path: 'app', components: ['../two'] },
  },
  {
    name: 'a component where nothing else is',
    differs: 'Flux names the namespace `_placeholder`, which no cluster takes',
    files: {
      'app/readme.md': '',
      'two/kustomization.yaml': componentFiles['two/kustomization.yaml'],
      'two/cm.yaml': configMap('two'),
    },
    spec: { path: 'app', components: ['../two'] },
  },
  {
    name: 'a missing component that is ignored',
    files: componentFiles,
    spec: { path: 'app', components: ['../none', '../two'], ignoreMissingComponents: true },
  },
  {
    name: 'a missing component',
    refused: true,
    files: componentFiles,
    spec: { path: 'app', components: ['../none'] },
  },
  {
    name: 'a component that is none',
    refused: true,
    files: { ...componentFiles, 'two/kustomization.yaml': 'resources: [cm.yaml]' },
    spec: { path: 'app', components: ['../two'] },
  },
  {
    name: 'a component by an address',
    refused: true,
    files: componentFiles,
    spec: { path: 'app', components: ['https://example.com/component'] },
  },
  {
    name: 'a component by an absolute path',
    refused: true,
    files: componentFiles,
    spec: { path: 'app', components: ['/two'] },
  },
];

const metadata: BuildCase[] = [
  {
    name: 'commonMetadata over what is there',
    files: {
      'a.yaml': configMap('a', {
        metadata: { labels: { team: 'old', kept: 'x' }, annotations: { note: 'old' } },
      }),
      'b.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, annotations: {}}\n',
      'web.yaml': deployment,
      'list.yaml': `{"apiVersion": "v1", "kind": "List", "items": [${configMap('c')}]}`,
    },
    spec: { commonMetadata: { labels: { team: 'new' }, annotations: { note: 'new' } } },
  },
  {
    name: 'buildMetadata',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['sub', 'a.yaml'],
        configMapGenerator: [{ name: 'g', literals: ['a=b'] }],
        transformers: ['t.yaml'],
        buildMetadata: ['transformerAnnotations'],
      }),
      'a.yaml': configMap('a'),
      'sub/kustomization.yaml': 'resources: [b.yaml]\nnamePrefix: sub-\n',
      'sub/b.yaml': configMap('b'),
      't.yaml':
        'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: x}\nprefix: t-\nfieldSpecs: [{path: metadata/name}]\n',
    },
    spec: { buildMetadata: ['originAnnotations', 'transformerAnnotations'] },
  },
  {
    name: 'buildMetadata for generated kustomization files',
    files: { 'a.yaml': configMap('a'), 'sub/b.yaml': configMap('b') },
    spec: { buildMetadata: ['originAnnotations'] },
  },
  {
    name: 'buildMetadata of a file without resources',
    files: {
      'kustomization.yaml': kustomization({
        configMapGenerator: [{ name: 'g', literals: ['a=b'] }],
      }),
    },
    spec: { buildMetadata: ['transformerAnnotations'] },
  },
  {
    name: 'exported objects and local configuration',
    files: {
      'a.yaml': `${service}status: {loadBalancer: {}}\n`,
      'b.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: local, annotations: {config.kubernetes.io/local-config: "true"}}\n',
      'c.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, creationTimestamp: null, uid: "1", resourceVersion: "2", managedFields: []}\n',
    },
  },
];

export const specCases: BuildCase[] = [...names, ...patches, ...images, ...components, ...metadata];
