{{- /* Labels of what belongs to no controller. */}}
{{- define "sluice.own-labels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: flux
app.kubernetes.io/version: {{ printf "v%s" .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The pods of NATS; they belong to no installation of Flux, which clients take for controllers. */}}
{{- define "sluice.nats-selector" -}}
app.kubernetes.io/name: nats
app.kubernetes.io/component: sluice-nats
{{- end -}}

{{- define "sluice.nats-labels" -}}
{{ omit (include "sluice.own-labels" . | fromYaml) "app.kubernetes.io/part-of" "app.kubernetes.io/version" | toYaml }}
{{ include "sluice.nats-selector" . }}
{{- end -}}

{{- /* metadata of an object of NATS; takes scope and suffix, and may take annotations. */}}
{{- define "sluice.nats-metadata" -}}
name: sluice-nats{{ .suffix }}
namespace: {{ .scope.Release.Namespace }}
labels:
  {{- include "sluice.nats-labels" .scope | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
