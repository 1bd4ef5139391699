import { type BuildCase, component, configMap, deployment, kustomization, thing } from './case.ts';

/** What stands in kustomization files besides the fields of the overlays. */
export const kustomizationCases: BuildCase[] = [
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
