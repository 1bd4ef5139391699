/** Where charts come from. */
export interface ChartAddresses {
  /** Of the Helm repository. */
  chartsUrl: string;
  /** Of the registry. */
  ociUrl: string;
}

/** The chart in Git, by paths of the repository. */
export const chartFiles = {
  'chart/Chart.yaml': 'apiVersion: v2\nname: api\nversion: 1.0.0\nappVersion: "7"\n',
  'chart/values.yaml': 'replicas: 1\ncolor: blue\n',
  'chart/templates/api.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      containers:
        - name: api
          image: registry.example.com/api:{{ .Chart.AppVersion }}
          ports: [{ containerPort: 8080 }]
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: { app: {{ .Release.Name }} }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data: { color: {{ .Values.color }}, revision: '{{ .Release.Revision }}' }
`,
  'chart/templates/tests/ping.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-ping
  annotations: { helm.sh/hook: test }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: ping, image: 'registry.example.com/ping:1' }]
`,
};

/** A release of the chart in Git, one of a chart of a Helm repository, and one of a chart in a registry. */
export const releases = ({
  chartsUrl,
  ociUrl,
}: ChartAddresses) => `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: api
  namespace: releases
spec:
  interval: 10m
  timeout: 1m
  chart:
    spec:
      chart: ./chart
      sourceRef: { kind: GitRepository, name: flux-system, namespace: flux-system }
  driftDetection: { mode: enabled }
  test: { enable: true }
  upgrade: { remediation: { retries: 3 } }
  values: { replicas: 2 }
  valuesFrom: [{ kind: ConfigMap, name: api-values }]
  commonMetadata: { labels: { team: api } }
  postRenderers:
    - kustomize:
        patches:
          - target: { kind: Service }
            patch: |
              - { op: add, path: /metadata/annotations, value: { example.com/patched: 'yes' } }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: api-values
  namespace: releases
data: { values.yaml: 'color: green' }
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: charts
  namespace: releases
spec:
  interval: 10m
  url: ${chartsUrl}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: cache
  namespace: releases
spec:
  interval: 10m
  timeout: 1m
  releaseName: cache
  targetNamespace: shop
  chart: { spec: { chart: cache, version: 1.x, sourceRef: { kind: HelmRepository, name: charts } } }
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: queue
  namespace: releases
spec:
  interval: 10m
  url: ${ociUrl}/charts/queue
  insecure: true
  ref: { semver: 1.x }
  layerSelector:
    mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip
    operation: copy
---
apiVersion: v1
kind: Secret
metadata:
  name: queue-password
  namespace: releases
stringData: { password: of-the-queue }
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: queue
  namespace: releases
spec:
  interval: 10m
  timeout: 1m
  chartRef: { kind: OCIRepository, name: queue }
  install: { crds: CreateReplace }
  upgrade: { crds: CreateReplace }
  valuesFrom: [{ kind: Secret, name: queue-password, valuesKey: password, targetPath: queue.password }]
`;

/** Content of the chart in the Helm repository. */
export const cacheChart = {
  name: 'cache',
  version: '1.0.0',
  files: {
    'templates/cache.yaml': `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}
spec:
  serviceName: {{ .Release.Name }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      containers: [{ name: cache, image: 'registry.example.com/cache:1' }]
`,
  },
};

/** Content of the chart in the registry: definitions, a hook, and a value from a Secret. */
export const queueChart = {
  name: 'queue',
  version: '1.0.0',
  files: {
    'values.yaml': 'queue: { password: none, workers: 2 }\n',
    'crds/queues.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: queues.example.com
spec:
  group: example.com
  names: { kind: Queue, plural: queues, singular: queue, listKind: QueueList }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`,
    'templates/prepare.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-prepare
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: prepare, image: 'registry.example.com/prepare:1' }]
`,
    'templates/queue.yaml': `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData: { password: {{ .Values.queue.password }} }
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ .Release.Name }}
spec:
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      containers:
        - name: queue
          image: registry.example.com/queue:1
          args: ['--workers={{ .Values.queue.workers }}']
---
apiVersion: example.com/v1
kind: Queue
metadata:
  name: {{ .Release.Name }}
spec: { workers: {{ .Values.queue.workers }} }
`,
  },
};
