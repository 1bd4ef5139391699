import { type ChartAddresses, chartFiles, releases } from './releases.ts';

/** What the repository of a team holds before it moves over: every kind that is applied in a way of its own. */

const repository = (url: string) => `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 10m
  url: ${url}
  ref: { branch: main }
`;

const root = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 10m
  path: ./cluster
  prune: true
  sourceRef: { kind: GitRepository, name: flux-system }
`;

/** A controller as \`flux bootstrap\` puts it into gotk-components.yaml; no container runs on the fake node. */
const component = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: kustomize-controller
  namespace: flux-system
  labels: { app.kubernetes.io/part-of: flux, app.kubernetes.io/component: kustomize-controller }
spec:
  replicas: 1
  selector: { matchLabels: { app: kustomize-controller } }
  template:
    metadata: { labels: { app: kustomize-controller } }
    spec:
      containers:
        - name: manager
          image: registry.example.com/fluxcd/kustomize-controller:v1.9.5
          args: [--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./]
`;

const teams = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: infra
  namespace: flux-system
spec:
  interval: 10m
  path: ./infra
  prune: true
  wait: true
  timeout: 1m
  sourceRef: { kind: GitRepository, name: flux-system }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  retryInterval: 5s
  path: ./apps
  prune: true
  wait: true
  timeout: 1m
  dependsOn: [{ name: infra }]
  targetNamespace: shop
  commonMetadata:
    labels: { team: shop }
    annotations: { example.com/owner: shop }
  postBuild:
    substitute: { tier: gold }
  images:
    - { name: registry.example.com/web, newTag: 2.0.0 }
  sourceRef: { kind: GitRepository, name: flux-system }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: releases
  namespace: flux-system
spec:
  interval: 10m
  retryInterval: 5s
  path: ./releases
  prune: true
  wait: true
  timeout: 1m
  dependsOn: [{ name: infra }]
  sourceRef: { kind: GitRepository, name: flux-system }
`;

const infra = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: Namespace
metadata:
  name: releases
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  names: { kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: { type: integer }
                color: { type: string, default: blue }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shop-viewer
rules:
  - { apiGroups: [''], resources: [pods], verbs: [get] }
`;

const workloads = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web, tier: '\${tier}' } }
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.0.0
          ports: [{ containerPort: 8080 }]
          env: [{ name: EMPTY, value: '' }, { name: TIER, value: '\${tier}' }]
          envFrom: [{ configMapRef: { name: settings } }]
          resources:
            limits: { cpu: 1000m, memory: 1024Mi }
            requests: { cpu: 0.1, memory: 64Mi }
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec:
      containers: [{ name: db, image: 'registry.example.com/db:1' }]
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080, name: http }, { port: 53, name: dns, protocol: UDP }]
---
apiVersion: v1
kind: Secret
metadata:
  name: login
stringData: { password: of-the-shop }
data: { token: dG9rZW4= }
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: 0 0 1 1 *
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{ name: report, image: 'registry.example.com/report:1' }]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: db
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: StatefulSet, name: db }
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - { type: Resource, resource: { name: memory, target: { type: Utilization, averageUtilization: 80 } } }
    - { type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  minAvailable: 1
  selector: { matchLabels: { app: web } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
spec:
  podSelector: { matchLabels: { app: web } }
  ingress: [{ ports: [{ port: 8080 }] }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: shop.example.com
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: viewers
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shop-viewer }
subjects: [{ kind: ServiceAccount, name: default }]
---
apiVersion: example.com/v1
kind: Widget
metadata:
  name: large
spec: { size: 3 }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: seed
  annotations: { kustomize.toolkit.fluxcd.io/ssa: IfNotPresent }
data: { from: git }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kept
  annotations: { kustomize.toolkit.fluxcd.io/prune: disabled }
data: { from: git }
`;

const apps = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [workloads.yaml]
configMapGenerator:
  - { name: settings, literals: [color=blue] }
`;

/** The objects that \`flux bootstrap\` applies itself. */
export const syncManifests = (gitUrl: string) => `${repository(gitUrl)}---\n${root}`;

/** Where the sources are. */
export interface Addresses extends ChartAddresses {
  gitUrl: string;
}

/** The files of the repository. */
export function repositoryFiles(o: Addresses): Record<string, string> {
  return {
    'cluster/flux-system/gotk-components.yaml': component,
    'cluster/flux-system/gotk-sync.yaml': syncManifests(o.gitUrl),
    'cluster/flux-system/kustomization.yaml': 'resources: [gotk-components.yaml, gotk-sync.yaml]\n',
    'cluster/teams.yaml': teams,
    'infra/infra.yaml': infra,
    'apps/workloads.yaml': workloads,
    'apps/kustomization.yaml': apps,
    'releases/releases.yaml': releases(o),
    ...chartFiles,
  };
}
