{{- /* What notification-controller is; see sluice-common. The rules list what its code asks for, and nothing else. */}}
{{- define "notification-controller.component" -}}
admission: true
ownsStreams: true
takesEvents: true
args:
  {{- if .values.multitenancy.enabled }}
  - --no-cross-namespace-refs=true
  {{- else }} []
  {{- end }}
ports:
  - { name: http, port: 9090 }
  - { name: http-webhook, port: 9292 }
  - { name: http-prom, port: 8080 }
  - { name: healthz, port: 9440 }
readiness:
  httpGet:
    path: /readyz
    port: healthz
services:
  - name: notification-controller
    portName: http
    targetPort: http
    labels: {{ .values.service.labels | toJson }}
    annotations: {{ .values.service.annotations | toJson }}
  - name: webhook-receiver
    portName: http
    targetPort: http-webhook
    labels: {{ .values.webhookReceiver.service.labels | toJson }}
    annotations: {{ .values.webhookReceiver.service.annotations | toJson }}
ingress:
  - port: http
    from: eventsFrom
    controllers:
      - source-controller
      - kustomize-controller
      - helm-controller
      - image-automation-controller
      - image-reflector-controller
      - source-watcher
  - port: http-webhook
    from: webhooksFrom
    controllers: []
kinds:
  - group: notification.toolkit.fluxcd.io
    resources: [alerts, providers, receivers]
rules:
  - apiGroups: [notification.toolkit.fluxcd.io]
    resources: [alerts, providers]
    verbs: [get, list, watch, patch]
  - apiGroups: [notification.toolkit.fluxcd.io]
    resources: [receivers]
    verbs: [get, list, watch, patch]
  - apiGroups: [notification.toolkit.fluxcd.io]
    resources: [alerts/status, providers/status, receivers/status]
    verbs: [patch]
  # Labels of what events are about, and requests to reconcile from webhooks.
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [buckets, externalartifacts, gitrepositories, helmcharts, helmrepositories, ocirepositories]
    verbs: [get, list, patch]
  - apiGroups: [kustomize.toolkit.fluxcd.io]
    resources: [kustomizations]
    verbs: [get, list, patch]
  - apiGroups: [helm.toolkit.fluxcd.io]
    resources: [helmreleases]
    verbs: [get, list, patch]
  - apiGroups: [image.toolkit.fluxcd.io]
    resources: [imagepolicies, imagerepositories, imageupdateautomations]
    verbs: [get, list, patch]
  - apiGroups: [source.extensions.fluxcd.io]
    resources: [artifactgenerators]
    verbs: [get, list, patch]
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get, list, watch]
  - apiGroups: [""]
    resources: [events]
    verbs: [create, patch]
{{- if include "sluice.logs-in-as-accounts" . }}
  # To log in to clouds as the accounts that objects name.
  - apiGroups: [""]
    resources: [serviceaccounts]
    verbs: [get]
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    verbs: [create]
{{- end }}
{{- with .values.approvals.webhookAccounts }}
  # To create Approvals as the accounts that Receivers name.
  - apiGroups: [""]
    resources: [serviceaccounts]
    resourceNames: {{ toJson . }}
    verbs: [impersonate]
{{- end }}
{{- if include "sluice.authenticates-events" . }}
clusterRules:
  # Whose token an event comes with.
  - apiGroups: [authentication.k8s.io]
    resources: [tokenreviews]
    verbs: [create]
{{- end }}
{{- end -}}
