import {
  type BuildCase,
  component,
  configMap,
  deployment,
  kustomization,
  service,
  thing,
} from './case.ts';

const twoDocuments = `${configMap('one')}\n---\n${configMap('two')}\n`;

const list = (kind: string, items: string[]) =>
  `{"apiVersion": "v1", "kind": "${kind}", "items": [${items.join(', ')}]}`;

/** Directories without a kustomization file, and odd ones. */
const generated: BuildCase[] = [
  {
    name: 'manifests in directories, in the order of their names',
    files: {
      'z.yaml': configMap('z'),
      'a/b.yml': configMap('b'),
      'a/a.yaml': twoDocuments,
      'a.yaml': deployment,
      'B.yaml': service,
      '.hidden.yaml': configMap('hidden'),
      'notes.txt': 'text',
      'values.json': '{"not": "read"}',
      'a/deep/er/c.yaml': configMap('c'),
    },
  },
  {
    name: 'a directory below that has a kustomization file of each name',
    files: {
      'a/kustomization.yaml': 'resources: [cm.yaml]\nnamePrefix: a-\n',
      'a/cm.yaml': configMap('a'),
      'a/unused.yaml': configMap('unused'),
      'b/kustomization.yml': 'resources: [cm.yaml]\nnamePrefix: b-\n',
      'b/cm.yaml': configMap('b'),
      'c/d/Kustomization': 'resources: [cm.yaml]\nnamePrefix: c-\n',
      'c/d/cm.yaml': configMap('c'),
      'c/x.yaml': configMap('x'),
      'z.yaml': configMap('z'),
    },
  },
  {
    name: 'directories that are named like files',
    files: {
      'dir.yaml/cm.yaml': configMap('in-dir'),
      'cm.yaml': configMap('beside'),
    },
  },
  { name: 'no manifest', files: { 'readme.md': '# text', 'values.json': '{}' } },
  {
    name: 'no manifest, and a namespace',
    files: { 'readme.md': '' },
    spec: { targetNamespace: 'team', namePrefix: 'p-' },
  },
  {
    name: 'documents that are empty or comments',
    files: {
      'a.yaml': `# comment\n---\n---\n\n${configMap('a')}\n---\n# end\n`,
      'b.yaml': '',
      'c.yaml': '---\n',
      'd.yaml': '# only\n# comments\n',
      'e.yaml': 'null\n',
      'f.yaml': `${configMap('f')}\n...\n---\n${configMap('g')}\n...\n`,
    },
  },
  {
    name: 'a kustomization of kustomize among the manifests',
    files: {
      'a.yaml': configMap('a'),
      'k.yaml':
        'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: x}\nresources: [b.yaml]\n',
    },
  },
  {
    name: 'a kustomization of Flux among the manifests',
    files: {
      'a.yaml': configMap('a'),
      'k.yaml':
        'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: other, namespace: flux-system}\nspec: {interval: 1m, prune: true, path: ./x, sourceRef: {kind: GitRepository, name: y}}\n',
    },
  },
  {
    name: 'a path below',
    files: { 'x/y/a.yaml': configMap('a'), 'x/b.yaml': '{' },
    spec: { path: './x/y' },
  },
  { name: 'a manifest without kind', refused: true, files: { 'a.yaml': 'replicas: 1\n' } },
  {
    name: 'a manifest without name',
    refused: true,
    files: { 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {a: b}}\n' },
  },
  {
    name: 'a manifest with a generated name',
    refused: true,
    files: { 'a.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n' },
  },
  {
    name: 'labels that are no text',
    files: {
      'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: 1, b: true}}\n',
    },
  },
  { name: 'broken YAML', refused: true, files: { 'a.yaml': 'a: b: c\n' } },
  { name: 'a text', refused: true, files: { 'a.yaml': 'just text\n' } },
  {
    name: 'one object in two files',
    refused: true,
    files: { 'a.yaml': configMap('a'), 'b.yaml': configMap('a') },
  },
  {
    name: 'one name in two namespaces and two kinds',
    files: {
      'a.yaml': configMap('a', { metadata: { namespace: 'x' } }),
      'b.yaml': configMap('a', { metadata: { namespace: 'y' } }),
      'c.yaml': thing('a', 'spec: {}'),
    },
  },
  {
    name: 'one object of two versions',
    files: {
      'a.yaml': 'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n',
      'b.yaml': 'apiVersion: example.com/v2\nkind: Thing\nmetadata: {name: a}\n',
    },
  },
];

const lists: BuildCase[] = [
  {
    name: 'lists of each kind',
    files: {
      'a.yaml': list('List', [configMap('a'), configMap('b')]),
      'b.yaml': list('ConfigMapList', [configMap('c'), configMap('d')]),
      'c.yaml': `${list('List', [configMap('e')])}\n---\n${configMap('f')}\n`,
    },
  },
  { name: 'an empty list', files: { 'a.yaml': list('List', []), 'b.yaml': configMap('b') } },
  { name: 'a list in a list', files: { 'a.yaml': list('List', [list('List', [configMap('a')])]) } },
  {
    name: 'a list whose items have no kind of their own',
    refused: true,
    files: { 'a.yaml': list('ConfigMapList', ['{"metadata": {"name": "a"}}']) },
  },
  {
    name: 'a custom resource with items that are no objects',
    files: { 'a.yaml': thing('a', 'spec: {items: [1, 2]}') },
  },
];

/** What stands in kustomization files besides the fields of the overlays. */
const kustomizations: BuildCase[] = [
  {
    name: 'an empty kustomization file',
    files: { 'kustomization.yaml': '', 'a.yaml': configMap('a') },
  },
  { name: 'a kustomization file of comments', files: { 'kustomization.yaml': '# nothing\n' } },
  {
    name: 'a kustomization file that says its kind only',
    files: {
      'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n',
    },
  },
  { name: 'no resources', files: { 'kustomization.yaml': 'resources: []\nnamePrefix: a-\n' } },
  {
    name: 'generators only',
    files: {
      'kustomization.yaml': kustomization({
        configMapGenerator: [{ name: 'a', literals: ['k=v'] }],
        secretGenerator: [{ name: 'b', literals: ['k=v'] }],
        buildMetadata: ['transformerAnnotations'],
      }),
    },
  },
  {
    name: 'bases and components only',
    files: {
      'app/kustomization.yaml': kustomization({ bases: ['../base'], components: ['../component'] }),
      'base/kustomization.yaml': kustomization({ resources: ['cm.yaml'] }),
      'base/cm.yaml': configMap('base'),
      'component/kustomization.yaml': component({ resources: ['cm.yaml'], nameSuffix: '-c' }),
      'component/cm.yaml': configMap('component'),
    },
    spec: { path: './app' },
  },
  {
    name: 'a field that there is not',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['a.yaml'],
        resorces: ['b.yaml'],
        extra: { a: 1 },
      }),
      'a.yaml': configMap('a'),
    },
  },
  {
    name: 'a field that there is not, in a base',
    refused: true,
    files: {
      'kustomization.yaml': 'resources: [base]',
      'base/kustomization.yaml': kustomization({ resources: ['a.yaml'], resorces: ['b.yaml'] }),
      'base/a.yaml': configMap('a'),
    },
  },
  {
    name: 'a number where a text is due',
    files: {
      'kustomization.yaml':
        'resources: [web.yaml]\nimages: [{name: nginx, newTag: 1.10}, {name: busybox, newTag: 2}]\n',
      'web.yaml': deployment,
    },
  },
  {
    name: 'a number where a text is due, in a base',
    refused: true,
    files: {
      'kustomization.yaml': 'resources: [base]',
      'base/kustomization.yaml': 'resources: [web.yaml]\nimages: [{name: nginx, newTag: 1.10}]\n',
      'base/web.yaml': deployment,
    },
  },
  {
    name: 'a text where a list is due',
    refused: true,
    files: { 'kustomization.yaml': 'resources: a.yaml\n', 'a.yaml': configMap('a') },
  },
  {
    name: 'patches in the form of files',
    refused: true,
    files: {
      'kustomization.yaml': 'resources: [a.yaml]\npatches: [p.yaml]\n',
      'a.yaml': configMap('a'),
      'p.yaml': configMap('a', { data: { k: 'v' } }),
    },
  },
  {
    name: 'imageTags, which is no more',
    files: {
      'kustomization.yaml': 'resources: [web.yaml]\nimageTags: [{name: nginx, newTag: "2"}]\n',
      'web.yaml': deployment,
    },
  },
  {
    name: 'the kind Component at the top',
    files: { 'kustomization.yaml': component({ resources: ['a.yaml'] }), 'a.yaml': configMap('a') },
  },
  {
    name: 'another kind at the top',
    refused: true,
    files: {
      'kustomization.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nresources: []\n',
    },
  },
  {
    name: 'several kustomization files',
    refused: true,
    files: {
      'kustomization.yaml': 'resources: [a.yaml]\n',
      'kustomization.yml': 'resources: [a.yaml]\n',
      'a.yaml': configMap('a'),
    },
  },
  {
    name: 'a resource that is not there',
    refused: true,
    files: { 'kustomization.yaml': 'resources: [a.yaml]\n' },
  },
  {
    name: 'a resource twice',
    refused: true,
    files: { 'kustomization.yaml': 'resources: [a.yaml, ./a.yaml]\n', 'a.yaml': configMap('a') },
  },
  {
    name: 'bases that hold each other',
    refused: true,
    files: {
      'app/kustomization.yaml': 'resources: [../b]\n',
      'b/kustomization.yaml': 'resources: [../app]\n',
    },
    spec: { path: 'app' },
  },
  {
    name: 'a chart',
    refused: true,
    files: {
      'kustomization.yaml':
        'helmCharts: [{name: web, repo: "https://charts.example.com", version: 1.0.0, releaseName: web}]\n',
    },
  },
  {
    name: 'a chart by a generator',
    refused: true,
    files: {
      'kustomization.yaml': 'generators: [chart.yaml]\n',
      'chart.yaml':
        'apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: web\nrepo: "https://charts.example.com"\nreleaseName: web\n',
    },
  },
  {
    name: 'a program as a transformer',
    refused: true,
    files: {
      'kustomization.yaml': 'resources: [a.yaml]\ntransformers: [t.yaml]\n',
      'a.yaml': configMap('a'),
      't.yaml':
        'apiVersion: v1\nkind: Any\nmetadata: {name: x, annotations: {config.kubernetes.io/function: "exec: {path: /bin/true}"}}\n',
    },
  },
  {
    name: 'a schema of its own',
    files: {
      'kustomization.yaml': kustomization({
        resources: ['a.yaml', 'web.yaml'],
        openapi: { path: 'schema.json' },
        patches: [
          {
            patch: thing('a', 'spec: {parts: [{name: one, size: 2}]}'),
            target: { kind: 'Thing' },
          },
          {
            patch:
              '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: [{name: web, tty: true}]}}}}',
          },
        ],
      }),
      'a.yaml': thing('a', 'spec: {parts: [{name: one, color: red}, {name: two, color: blue}]}'),
      'web.yaml': deployment,
      'schema.json': JSON.stringify({
        definitions: {
          'v1.example.com.Thing': {
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: {
                properties: {
                  parts: {
                    type: 'array',
                    items: { type: 'object' },
                    'x-kubernetes-patch-strategy': 'merge',
                    'x-kubernetes-patch-merge-key': 'name',
                  },
                },
                type: 'object',
              },
            },
            type: 'object',
            'x-kubernetes-group-version-kind': [
              { group: 'example.com', kind: 'Thing', version: 'v1' },
            ],
          },
        },
      }),
    },
  },
];

export const fileCases: BuildCase[] = [...generated, ...lists, ...kustomizations];
