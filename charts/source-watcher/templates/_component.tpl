{{- /* What source-watcher is; see sluice-common. The rules list what its code asks for, and nothing else. */}}
{{- define "source-watcher.component" -}}
sharded: true
# Each shard serves what it has stored, under the name of its Service.
advertises: true
readsArtifacts: true
args:
  - --storage-path=/data
  - --events-addr={{ .values.eventsAddr }}
  {{- if .values.multitenancy.enabled }}
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
  - name: source-watcher
    portName: http
    targetPort: http
    labels: {{ .values.service.labels | toJson }}
    annotations: {{ .values.service.annotations | toJson }}
ingress:
  - port: http
    from: artifactsFrom
    controllers: [source-controller, kustomize-controller, helm-controller, source-watcher]
kinds:
  - group: source.extensions.fluxcd.io
    resources: [artifactgenerators]
rules:
  - apiGroups: [source.extensions.fluxcd.io]
    resources: [artifactgenerators]
    verbs: [get, list, watch, patch]
  - apiGroups: [source.extensions.fluxcd.io]
    resources: [artifactgenerators/status]
    verbs: [patch]
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [buckets, gitrepositories, helmcharts, ocirepositories]
    verbs: [get, list, watch]
  # What it makes.
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [externalartifacts]
    verbs: [get, list, watch, create, patch, delete]
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [externalartifacts/status]
    verbs: [patch]
  - apiGroups: [""]
    resources: [events]
    verbs: [create, patch]
{{- include "sluice.pin-rules" . }}
{{- include "sluice.artifact-rules" . }}
{{- end -}}
