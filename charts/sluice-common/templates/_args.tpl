{{- /* The arguments of a controller, the most special ones last, so that they win. */}}
{{- define "sluice.args" -}}
{{- $v := .values -}}
{{- range .component.args }}
- {{ . | quote }}
{{- end }}
{{- if .component.advertises }}
- --storage-adv-addr={{ include "sluice.host" (dict "c" . "service" .shard.app) }}
{{- end }}
{{- if .shard.selector }}
- {{ printf "--watch-label-selector=%s" .shard.selector | quote }}
{{- end }}
- --watch-all-namespaces={{ $v.watchAllNamespaces }}
- --log-level={{ $v.logLevel }}
- --log-encoding=json
- --enable-leader-election={{ if include "sluice.elects" . }}true{{ else }}false{{ end }}
- --outbox-path=/outbox
{{- include "sluice.event-args" . }}
{{- include "sluice.artifact-args" . }}
{{- if $v.multitenancy.enabled }}
{{- with $v.multitenancy.denyAddresses }}
- {{ printf "--deny-addresses=%s" (join "," .) | quote }}
{{- end }}
{{- with $v.multitenancy.allowAddresses }}
- {{ printf "--allow-addresses=%s" (join "," .) | quote }}
{{- end }}
{{- end }}
{{- if $v.artifactPinning.enabled }}
{{- if .component.applies }}
- --pin-artifacts=true
{{- else if .component.advertises }}
- --keep-pinned-artifacts=true
{{- end }}
{{- end }}
{{- if .component.applies }}
{{- with $v.windows.clusterNamespace }}
- --cluster-windows-namespace={{ . }}
{{- end }}
{{- end }}
{{- if $v.nats.url }}
{{- include "sluice.nats-args" $v.nats }}
{{- if .component.ownsStreams }}
- --nats-stream-replicas={{ $v.nats.streamReplicas }}
- --nats-audit-max-size={{ mul 1048576 (int64 $v.nats.audit.maxMiB) }}
{{- end }}
{{- if $v.nats.artifacts.enabled }}
{{- if .component.ownsStreams }}
- --nats-artifacts-max-size={{ mul 1048576 (int64 $v.nats.artifacts.maxMiB) }}
{{- else if .component.advertises }}
- --storage-backend=nats
{{- end }}
{{- end }}
{{- end }}
{{- with $v.tracing.otlpEndpoint }}
- --otlp-endpoint={{ . }}
{{- end }}
{{- range $name, $value := $v.flags }}
{{- if kindIs "slice" $value }}
{{- range $value }}
- {{ printf "--%s=%s" $name . | quote }}
{{- end }}
{{- else if kindIs "float64" $value }}
- {{ printf "--%s=%d" $name (int64 $value) | quote }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- range $v.container.additionalArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- /* Takes the values below nats. Files are named after their purpose, whatever the keys of the Secret are. */}}
{{- define "sluice.nats-args" }}
- {{ printf "--nats-url=%s" .url | quote }}
- --nats-prefix={{ .prefix }}
{{- with .user }}
- {{ printf "--nats-user=%s" . | quote }}
{{- end }}
{{- $dir := "/etc/sluice/nats" }}
{{- if .keys.password }}
- --nats-password-file={{ $dir }}/password
{{- end }}
{{- if .keys.creds }}
- --nats-creds-file={{ $dir }}/creds
{{- end }}
{{- if .keys.nkey }}
- --nats-nkey-file={{ $dir }}/nkey
{{- end }}
{{- if .keys.ca }}
- --nats-tls-ca-file={{ $dir }}/ca
{{- end }}
{{- if .keys.cert }}
- --nats-tls-cert-file={{ $dir }}/cert
{{- end }}
{{- if .keys.key }}
- --nats-tls-key-file={{ $dir }}/key
{{- end }}
{{- end -}}
