import { app } from './app.ts';
import {
  type BuildCase,
  component,
  configMap,
  deployment,
  kustomization,
  service,
} from './case.ts';

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

export const specCases: BuildCase[] = [...names, ...images, ...components, ...metadata];
