import { configMap, deployment, service, thing } from './case.ts';

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
/** Objects of many kinds, cluster-wide ones among them. */
export const app = {
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
