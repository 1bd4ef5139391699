{{- /* The values at the top as one controller takes them; takes scope and name. */}}
{{- define "sluice.install" -}}
{{- $v := .scope.Values -}}
{{- $install := dict -}}
{{- range $key, $_ := include "sluice.defaults" . | fromYaml -}}
{{- if and (hasKey $v $key) (ne $key "nats") -}}
{{- $_ := set $install $key (get $v $key) -}}
{{- end -}}
{{- end -}}
{{- if and $v.notificationController.create (ne .name "notification-controller") -}}
{{- $host := include "sluice.host" (dict "c" (dict "namespace" .scope.Release.Namespace "values" $v) "service" "notification-controller") -}}
{{- $_ := set $install "eventsAddr" (printf "http://%s" $host) -}}
{{- end -}}
{{- if and $v.sourceController.create $v.kustomizeController.create $v.helmController.create $v.notificationController.create -}}
{{- $_ := set $install "complete" true -}}
{{- end -}}
{{- $_ := set $install "nats" (include "sluice.nats-client" . | fromYaml) -}}
{{ toYaml $install }}
{{- end -}}

{{- /* "true" when the umbrella runs NATS itself. */}}
{{- define "sluice.nats-own" -}}
{{- if and .Values.nats.enabled (not .Values.nats.external.url) }}true{{ end -}}
{{- end -}}

{{- define "sluice.nats-client" -}}
{{- $nats := .scope.Values.nats -}}
prefix: {{ $nats.prefix }}
artifacts: {{ $nats.artifacts | toJson }}
audit: {{ pick $nats.audit "maxMiB" | toJson }}
{{- if include "sluice.nats-own" .scope }}
url: nats://sluice-nats.{{ .scope.Release.Namespace }}.svc.{{ trimSuffix "." .scope.Values.clusterDomain }}:4222
user: {{ .name }}
existingSecret: {{ default "sluice-nats" $nats.auth.existingSecret }}
keys:
  password: {{ .name }}
streamReplicas: {{ default $nats.replicas $nats.streamReplicas }}
{{- else if $nats.enabled }}
{{ toYaml $nats.external }}
streamReplicas: {{ default 1 $nats.streamReplicas }}
{{- end }}
{{- end -}}

{{- /* The subcharts that are installed, by the names of their controllers. */}}
{{- define "sluice.controllers" -}}
{{- range list "source" "kustomize" "helm" "notification" }}
{{- if hasKey $.Subcharts (printf "%sController" .) }}
{{ printf "%sController: %s-controller" . . }}
{{- end }}
{{- end }}
{{- if hasKey $.Subcharts "sourceWatcher" }}
sourceWatcher: source-watcher
{{- end }}
{{- end -}}
