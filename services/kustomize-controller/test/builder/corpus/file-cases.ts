import { type BuildCase, configMap, deployment, service, thing } from './case.ts';

const twoDocuments = `${configMap('one')}\n---\n${configMap('two')}\n`;

const list = (kind: string, items: string[]) =>
  `{"apiVersion": "v1", "kind": "${kind}", "items": [${items.join(', ')}]}`;

/** Kinds that are applied in another order than they stand in. */
const staged = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: staged}
webhooks: [{name: staged.example.com, admissionReviewVersions: [v1], sideEffects: None, clientConfig: {url: "https://staged.example.com"}}]
---
${thing('staged', 'spec: {}')}---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: staged}
spec: {podSelector: {}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: staged}
spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: x, ports: [{containerPort: 80}]}]}}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: staged}
data: {a: YQ==}
stringData: {b: text}
---
${configMap('staged-b')}
---
${configMap('staged-a')}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: staged}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: staged}
subjects: [{kind: ServiceAccount, name: staged}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: staged}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: staged}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: staged}
value: 1
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "staged:reader"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
`;

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
  { name: 'kinds of every stage, the last first', files: { 'a.yaml': staged } },
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

export const fileCases: BuildCase[] = [...generated, ...lists];
