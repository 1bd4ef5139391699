{{- /*
Configuration of the NATS server. Passwords come from its environment. Each controller may publish and read what it works
with, and nothing else of the server.
*/}}
{{- define "sluice.nats-config" -}}
{{- $nats := .Values.nats -}}
port: 4222
pid_file: /tmp/nats.pid
http_port: 8222
server_name: $POD_NAME
lame_duck_grace_period: 5s
lame_duck_duration: 30s

jetstream {
  store_dir: /data
  max_mem: 64MiB
  max_file: {{ $nats.persistence.maxFileStore }}B
  # What was acknowledged is on the disk.
  sync_interval: always
}
{{- if gt (int $nats.replicas) 1 }}

cluster {
  name: {{ printf "sluice-nats-%s" .Release.Namespace }}
  port: 6222
  # Controllers reach the servers by the Service; the addresses of pods change.
  no_advertise: true
  authorization { user: routes, password: $ROUTES_PASSWORD, timeout: 5 }
  routes: [{{ range $i := until (int $nats.replicas) }}{{ if $i }}, {{ end }}$ROUTE_{{ $i }}{{ end }}]
}
{{- end }}

authorization {
  timeout: 5
  users: [
    {{- range $name, $own := include "sluice.nats-permissions" . | fromYaml }}
    {
      user: {{ $name }}
      password: ${{ $name | upper | replace "-" "_" }}_PASSWORD
      permissions {
        publish: {{ $own.publish | toRawJson }}
        subscribe: {{ list (printf "_INBOX.%s.>" $name) | toRawJson }}
      }
    }
    {{- end }}
  ]
}
{{- end -}}

{{- /*
The subjects that each controller publishes to, by its name; requests to JetStream are among them. All of them make sure
of the streams.
*/}}
{{- define "sluice.nats-permissions" -}}
{{- $prefix := .Values.nats.prefix -}}
{{- $stream := printf "%s_" (regexReplaceAll "[^A-Z0-9_-]" (upper $prefix) "_") -}}
{{- $streams := list -}}
{{- range $verb := list "INFO" "CREATE" "UPDATE" -}}
{{- range list "ARTIFACTS" "EVENTS" "DELIVERIES" "DEADLETTER" "DELIVERED" -}}
{{- $streams = append $streams (printf "$JS.API.STREAM.%s.%s%s" $verb $stream .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $o := dict
  "source-controller" (dict "publish" (list "artifact" "event") "consume" list "acknowledge" list)
  "kustomize-controller" (dict "publish" (list "event") "consume" (list "ARTIFACTS") "acknowledge" list)
  "helm-controller" (dict "publish" (list "event") "consume" list "acknowledge" list)
  "notification-controller" (dict "publish" (list "event" "delivery" "deadletter" "delivered") "consume" (list "EVENTS" "DELIVERIES") "acknowledge" (list "EVENTS" "DELIVERIES") "read" (list "DELIVERED")) }}
{{ $name }}:
  publish:
    {{- range $o.publish }}
    - {{ printf "%s.%s.>" $prefix . | quote }}
    {{- end }}
    {{- range $streams }}
    - {{ . | quote }}
    {{- end }}
    {{- range $o.consume }}
    - {{ printf "$JS.API.CONSUMER.CREATE.%s%s" $stream . | quote }}
    - {{ printf "$JS.API.CONSUMER.CREATE.%s%s.>" $stream . | quote }}
    - {{ printf "$JS.API.CONSUMER.DURABLE.CREATE.%s%s.>" $stream . | quote }}
    - {{ printf "$JS.API.CONSUMER.INFO.%s%s.>" $stream . | quote }}
    - {{ printf "$JS.API.CONSUMER.MSG.NEXT.%s%s.>" $stream . | quote }}
    {{- end }}
    {{- range $o.acknowledge }}
    - {{ printf "$JS.ACK.%s%s.>" $stream . | quote }}
    {{- end }}
    {{- range default list $o.read }}
    - {{ printf "$JS.API.DIRECT.GET.%s%s" $stream . | quote }}
    - {{ printf "$JS.API.DIRECT.GET.%s%s.>" $stream . | quote }}
    {{- end }}
{{- end }}
{{- end -}}
