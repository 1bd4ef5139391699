{{- /* What source-controller is; see sluice-common. The rules list what its code asks for, and nothing else. */}}
{{- define "source-controller.component" -}}
sharded: true
# Each shard serves what it has stored, under the name of its Service.
advertises: true
readsArtifacts: true
args:
  - --storage-path=/data
  - --events-addr={{ .values.eventsAddr }}
  {{- if and .values.multitenancy.enabled .values.artifactPinning.enabled }}
  - --no-cross-namespace-refs=true
  {{- end }}
ports:
  - { name: http, port: 9090 }
  - { name: http-prom, port: 8080 }
  - { name: healthz, port: 9440 }
# All replicas serve artifacts: those that do not lead send requests on to the one that does.
readiness:
  tcpSocket:
    port: http
services:
  - name: source-controller
    portName: http
    targetPort: http
    labels: {{ .values.service.labels | toJson }}
    annotations: {{ .values.service.annotations | toJson }}
ingress:
  - port: http
    from: artifactsFrom
    controllers: [source-controller, kustomize-controller, helm-controller, source-watcher]
kinds:
  - group: source.toolkit.fluxcd.io
    resources: [buckets, externalartifacts, gitrepositories, helmcharts, helmrepositories, ocirepositories]
rules:
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [buckets, gitrepositories, helmcharts, helmrepositories, ocirepositories]
    verbs: [get, list, watch, patch]
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [buckets/status, gitrepositories/status, helmcharts/status, helmrepositories/status, ocirepositories/status]
    verbs: [patch]
  - apiGroups: [""]
    resources: [secrets, serviceaccounts]
    verbs: [get]
  - apiGroups: [""]
    resources: [events]
    verbs: [create, patch]
{{- if include "sluice.logs-in-as-accounts" . }}
  # To log in to clouds as the accounts that objects name.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    verbs: [create]
{{- end }}
{{- include "sluice.pin-rules" . }}
{{- include "sluice.artifact-rules" . }}
{{- end -}}
