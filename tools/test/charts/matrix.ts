import type { ChartName } from '../../charts/package.ts';

/** Installs the controllers too that the umbrella leaves out unless told. */
export const withAll = 'sourceWatcher.create=true';

/** Settings of the umbrella whose renderings have to hold together; each list is one case. */
export const umbrellaCases: Record<string, string[]> = {
  'as it is': [],
  'without NATS': ['nats.enabled=false'],
  'three NATS servers': ['nats.replicas=3'],
  'NATS elsewhere': [
    'nats.external.url=tls://nats.example.com:4222',
    'nats.external.existingSecret=nats-client',
    'nats.external.keys={"creds":"sluice.creds","ca":"ca.crt"}',
  ],
  'NATS with passwords of our own': ['nats.auth.existingSecret=passwords'],
  'artifacts in NATS': ['nats.artifacts={"enabled":true,"maxMiB":4096}', withAll],
  'artifacts pinned': ['artifactPinning.enabled=true', 'multitenancy.enabled=true', withAll],
  'some controllers': ['helmController.create=false', 'notificationController.create=false'],
  'with source-watcher': ['sourceWatcher.create=true', 'sharding.shards=["blue"]'],
  'locked down': ['multitenancy.enabled=true'],
  'locked down but privileged': ['multitenancy.enabled=true', 'multitenancy.privileged=true'],
  'one namespace': ['watchAllNamespaces=false'],
  'one locked namespace': ['watchAllNamespaces=false', 'multitenancy.enabled=true'],
  'one namespace, and Windows of another': [
    'watchAllNamespaces=false',
    'windows.clusterNamespace=platform',
  ],
  'approvals by webhooks': ['approvals.webhookAccounts=["chat-approver","bot"]'],
  shards: ['sharding.shards=["blue","green"]', 'kustomizeController.leaderElection=always'],
  'highly available': [
    'nats.replicas=3',
    'sourceController.replicas=2',
    'kustomizeController.replicas=2',
    'helmController.replicas=2',
    'notificationController.replicas=3',
    'kustomizeController.topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"DoNotSchedule"}]',
  ],
  volumes: [
    'sourceController.storage.persistence.enabled=true',
    'sourceController.outbox.persistence={"enabled":true,"storageClassName":"fast"}',
    'notificationController.outbox.persistence={"enabled":true,"existingClaim":"mine"}',
  ],
  monitored: [
    'prometheus.podMonitor.create=true',
    'prometheus.podMonitor.additionalLabels={"release":"prometheus"}',
    'prometheus.rules.create=true',
    'prometheus.dashboards.create=true',
    'prometheus.kubeStateMetrics={"create":true,"rbac":{"serviceAccount":{"name":"ksm"}}}',
    'prometheus.rules.create=true',
    'prometheus.dashboards.create=true',
    'prometheus.kubeStateMetrics.create=true',
    'prometheus.kubeStateMetrics.rbac.serviceAccount.name=kube-state-metrics',
    'tracing.otlpEndpoint=http://otel.example.com:4318',
  ],
  'everything about pods': [
    'imagePullSecrets=[{"name":"registry"}]',
    'commonLabels={"team":"platform"}',
    'kustomizeController={"image":"registry.example.com/kustomize-controller","tag":"v9","imagePullPolicy":"Always","priorityClassName":"system-cluster-critical","labels":{"cost":"ops"},"extraEnv":[{"name":"HTTPS_PROXY","value":"http://proxy.example.com"}],"nodeSelector":{"pool":"ops"},"tolerations":[{"key":"ops","operator":"Exists"}],"affinity":{"nodeAffinity":{}},"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/extra"}],"flags":{"concurrent":1000,"min-retry-delay":"5s","override-manager":["a","b"],"insecure-kubeconfig-exec":true},"container":{"additionalArgs":["--log-level=trace"]}}',
    'notificationController.webhookReceiver.ingress={"create":true,"ingressClassName":"nginx","tls":[{"hosts":["flux-webhook.example.com"],"secretName":"tls"}]}',
  ],
  'nothing but Deployments': [
    'installCRDs=false',
    'rbac={"create":false,"createAggregation":false}',
    'policies.create=false',
    'sourceController.serviceAccount.create=false',
  ],
};

/** The charts of the controllers that the umbrella installs unless told. */
export const singleCharts: ChartName[] = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
];

/** With those that the umbrella installs only when told, by {@link withAll}. */
export const allSingleCharts: ChartName[] = [...singleCharts, 'source-watcher'];
