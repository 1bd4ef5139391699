import type { KustomizationSpec } from '@sluice/shared/api';

/** Files and the spec of a Kustomization, for which Flux's answer and ours are the same. */
export interface BuildCase {
  name: string;
  files: Record<string, string>;
  spec?: Partial<KustomizationSpec>;
  /** Both refuse it; `name` says why. */
  refused?: true;
  /** Variables have to be set. */
  strict?: true;
  /** Ours is another answer, for this reason. */
  differs?: string;
  /** What kubectl reads otherwise than the builder, as Flux's, or than the parser of the other texts. */
  kubectl?: { build?: string; parser?: string };
}

const json = JSON.stringify;

/** A ConfigMap. */
export const configMap = (name: string, more: { data?: object; metadata?: object } = {}): string =>
  json({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...more.metadata },
    ...(more.data && { data: more.data }),
  });

/** A custom resource that takes any fields. */
export const thing = (name: string, spec: string): string =>
  `apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: ${name}}\n${spec}\n`;

/** A kustomization file. */
export const kustomization = (fields: object): string => json(fields);

/** A kustomization file of a component. */
export const component = (fields: object): string =>
  json({ apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', ...fields });

export const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      initContainers: [{name: init, image: "registry.example.com:5000/tools/init:1.0"}]
      containers:
      - {name: web, image: "nginx:1", envFrom: [{configMapRef: {name: settings}}]}
      - {name: side, image: "busybox@sha256:${'a'.repeat(64)}"}
`;

export const service =
  'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n';
