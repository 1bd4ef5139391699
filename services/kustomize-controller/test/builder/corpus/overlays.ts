const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1", env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}]}
      - {name: side, image: busybox}
      volumes: [{name: v, configMap: {name: settings}}]
`;
const service =
  'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\n';
const values =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, namespace: other}\ndata: {yes: "yes", octal: "0777", date: "2024-01-01", text: "a\\nb\\n", float: "1.0", big: "12345678901234567890"}\n';
const crd =
  'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\nspec: {on: yes, octal: 0777, float: 1.50, list: [1, two, null], when: 2024-01-01T00:00:00Z, deep: {a: {b: {c: 1e3}}}}\n';
const base: Record<string, string> = {
  'base/kustomization.yaml':
    'resources: [web.yaml, service.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n',
  'base/web.yaml': deployment,
  'base/service.yaml': service,
};

/** What a kustomization file over the base says, by the name of the case. */
export const overlays: Record<string, object | string> = {
  nothing: {},
  namespace: { namespace: 'team' },
  'prefix and suffix': { namePrefix: 'p-', nameSuffix: '-s' },
  labels: { labels: [{ pairs: { team: 'a' }, includeSelectors: true, includeTemplates: true }] },
  'labels of metadata': { labels: [{ pairs: { team: 'a' } }] },
  commonLabels: { commonLabels: { team: 'a' } },
  commonAnnotations: { commonAnnotations: { note: 'x' } },
  images: { images: [{ name: 'nginx', newName: 'mirror/nginx', newTag: '2' }] },
  'image digest': { images: [{ name: 'busybox', digest: `sha256:${'a'.repeat(64)}` }] },
  replicas: { replicas: [{ name: 'web', count: 5 }] },
  'strategic merge patch': {
    patches: [
      {
        patch:
          'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: side, $patch: delete}]}}}',
      },
    ],
  },
  'JSON patch': {
    patches: [
      {
        target: { kind: 'Service' },
        patch: '[{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]',
      },
    ],
  },
  patchesStrategicMerge: {
    patchesStrategicMerge: [
      'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n',
    ],
  },
  patchesJson6902: {
    patchesJson6902: [
      {
        target: { version: 'v1', kind: 'Service', name: 'web' },
        patch: '- {op: add, path: /spec/type, value: NodePort}',
      },
    ],
  },
  'deleting patch': {
    patches: [{ patch: '$patch: delete\napiVersion: v1\nkind: Service\nmetadata: {name: web}' }],
  },
  replacements: {
    replacements: [
      {
        source: { kind: 'Service', fieldPath: 'spec.ports.0.port' },
        targets: [{ select: { kind: 'Deployment' }, fieldPaths: ['spec.replicas'] }],
      },
    ],
  },
  vars: {
    vars: [{ name: 'NAME', objref: { apiVersion: 'v1', kind: 'Service', name: 'web' } }],
  },
  'sort order': { sortOptions: { order: 'legacy' } },
  'sort order of our own': {
    sortOptions: {
      order: 'legacy',
      legacySortOptions: { orderFirst: ['Deployment'], orderLast: ['Service'] },
    },
  },
  'build metadata': { buildMetadata: ['originAnnotations', 'transformerAnnotations'] },
  'managed by': { buildMetadata: ['managedByLabel'] },
  'Secret generator': {
    secretGenerator: [{ name: 's', literals: ['a=b', 'c="d"'], type: 'Opaque' }],
  },
  'generator of files': {
    configMapGenerator: [{ name: 'f', files: ['../files/a.txt', 'b=../files/b.bin'] }],
  },
  'generator of env': { configMapGenerator: [{ name: 'e', envs: ['../files/e.env'] }] },
  'generator that merges': {
    configMapGenerator: [{ name: 'settings', behavior: 'merge', literals: ['c=d'] }],
  },
  'generator that replaces': {
    configMapGenerator: [{ name: 'settings', behavior: 'replace', literals: ['c=d'] }],
  },
  'generator options': {
    generatorOptions: { disableNameSuffixHash: true, labels: { g: 'x' }, immutable: true },
    configMapGenerator: [{ name: 'plain', literals: ['a=b'] }],
  },
  component: { components: ['../component'] },
  'odd values': { resources: ['../base', '../files/values.yaml', '../files/crd.yaml'] },
  'odd values prefixed': {
    resources: ['../files/values.yaml', '../files/crd.yaml'],
    namePrefix: 'p-',
  },
  'inline transformer': {
    transformers: [
      'apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: x}\nprefix: t-\nfieldSpecs: [{path: metadata/name}]\n',
    ],
  },
  'value add': {
    transformers: [
      'apiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: x}\nvalue: v\ntargets: [{fieldPath: metadata/labels/added}]\n',
    ],
  },
  'inline generator': {
    generators: [
      'apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nname: made\nliterals: [a=b]\n',
    ],
  },
  'transformer of a file': { transformers: ['../files/labels.yaml'] },
  configurations: { configurations: ['../files/config.yaml'], namePrefix: 'p-' },
  openapi: {
    openapi: { version: 'v1.21.2' },
    patches: [
      {
        patch:
          'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: more, image: x}]}}}',
      },
    ],
  },
  'two bases': { resources: ['../base', '../second'] },
  'YAML in capitals of fields': 'Resources: [../base]\nNamePrefix: p-\n',
  anchors: 'resources: &r [../base]\nnamePrefix: &n p-\nnameSuffix: *n\n',
  'local config': { resources: ['../base', '../files/local.yaml'] },
};

const others: Record<string, string> = {
  'files/a.txt': 'text\n',
  'files/b.bin': '\u0000\u0001binary',
  'files/e.env': '# comment\nA=1\nB=two words\nC\n',
  'files/values.yaml': values,
  'files/crd.yaml': crd,
  'files/labels.yaml':
    'apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: x}\nlabels: {from: file}\nfieldSpecs: [{path: metadata/labels, create: true}]\n',
  'files/config.yaml': 'namePrefix: [{path: metadata/name}]\n',
  'files/local.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: local, annotations: {config.kubernetes.io/local-config: "true"}}\n',
  'component/kustomization.yaml':
    'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\npatches: [{target: {kind: Service}, patch: "- {op: add, path: /spec/type, value: NodePort}"}]\n',
  'second/kustomization.yaml': 'resources: [list.yaml]\nnamespace: second\n',
  'second/list.yaml': `apiVersion: v1\nkind: List\nitems: [${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'item' } })}]\n`,
};

/** The files of a case: its overlay in `app`, the base, and what overlays refer to. */
export function filesOf(overlay: object | string): Record<string, string> {
  const content =
    typeof overlay === 'string' ? overlay : JSON.stringify({ resources: ['../base'], ...overlay });
  return { ...base, ...others, 'app/kustomization.yaml': content };
}
