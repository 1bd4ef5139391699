{{- /* What kustomize-controller is; see sluice-common. The rules list what its code asks for as itself. */}}
{{- define "kustomize-controller.component" -}}
admission: true
approvals: true
sharded: true
applies: true
readsArtifacts: true
args:
  - --events-addr={{ .values.eventsAddr }}
  {{- if .values.multitenancy.enabled }}
  - --no-cross-namespace-refs=true
  - --no-remote-bases=true
  - --default-service-account={{ .values.multitenancy.defaultServiceAccount }}
  - --default-kubeconfig-service-account={{ .values.multitenancy.defaultServiceAccount }}
  - --default-decryption-service-account={{ .values.multitenancy.defaultServiceAccount }}
  {{- end }}
ports:
  - { name: http-prom, port: 8080 }
  - { name: healthz, port: 9440 }
readiness:
  httpGet:
    path: /readyz
    port: healthz
services: []
ingress: []
kinds:
  - group: kustomize.toolkit.fluxcd.io
    resources: [kustomizations]
  - group: delivery.sluice.dev
    resources: [windows]
  # Controllers write plans; who may approve is for administrators to say.
  - group: delivery.sluice.dev
    resources: [approvals, plans]
    viewOnly: true
rules:
  - apiGroups: [kustomize.toolkit.fluxcd.io]
    resources: [kustomizations]
    verbs: [get, list, watch, patch]
  - apiGroups: [kustomize.toolkit.fluxcd.io]
    resources: [kustomizations/status]
    verbs: [patch]
  # spec.dependsOn may name objects of the other kind.
  - apiGroups: [helm.toolkit.fluxcd.io]
    resources: [helmreleases]
    verbs: [list, watch]
  # What decides about changes, and what is said of those that wait.
  - apiGroups: [delivery.sluice.dev]
    resources: [windows]
    verbs: [list, watch]
  - apiGroups: [delivery.sluice.dev]
    resources: [approvals]
    verbs: [list, watch, delete]
  - apiGroups: [delivery.sluice.dev]
    resources: [plans]
    verbs: [create, patch, delete]
  - apiGroups: [delivery.sluice.dev]
    resources: [snapshots]
    verbs: [get, list, create, delete]
  - apiGroups: [source.toolkit.fluxcd.io]
    resources: [buckets, externalartifacts, gitrepositories, ocirepositories]
    verbs: [get, list, watch]
  # Variables, kubeconfigs, and the watch of those that are labelled for it.
  - apiGroups: [""]
    resources: [configmaps, secrets]
    verbs: [get, list, watch]
  - apiGroups: [""]
    resources: [serviceaccounts]
    verbs: [get]
  - apiGroups: [""]
    resources: [events]
    verbs: [create, patch]
{{- if include "sluice.logs-in-as-accounts" . }}
  # To log in to other clusters as the accounts that ConfigMaps of spec.kubeConfig name.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    verbs: [create]
{{- end }}
# New kinds, while something waits for them; these have no namespace.
clusterRules:
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    verbs: [get, list, watch]
  - apiGroups: [apiregistration.k8s.io]
    resources: [apiservices]
    verbs: [get, list, watch]
{{- end -}}
