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
        subscribe: {{ $own.subscribe | toRawJson }}
      }
    }
    {{- end }}
  ]
}
{{- end -}}

{{- /*
The subjects that each controller publishes and subscribes to, by its name; requests to JetStream are among those it
publishes. notification-controller alone makes, changes and reads streams: whoever may change one can have the server copy
the others into it. It makes a consumer of events, one of the audit trail, and one for each Provider that has deliveries; no
consumer can be made for all deliveries, and no stream deleted or purged by anyone. It removes single dead letters, once they are replayed, and
single deliveries, once they are dead letters for want of room. It follows what was delivered and what alerts remember.
The auditor, who is no controller, reads single messages of the audit trail. Those who store artifacts write, read and purge the bucket of artifacts, and make no consumers of it: a consumer can be had
to send messages to anybody.
*/}}
{{- define "sluice.nats-permissions" -}}
{{- $prefix := .Values.nats.prefix -}}
{{- $stream := printf "%s_" (regexReplaceAll "[^A-Z0-9_-]" (upper $prefix) "_") -}}
{{- $owner := "notification-controller" -}}
{{- $bucket := printf "%s-artifacts" $prefix -}}
{{- $hasBucket := .Values.nats.artifacts.enabled -}}
{{- $sources := list "source-controller" -}}
{{- if .Values.sourceWatcher.create }}{{ $sources = append $sources "source-watcher" }}{{ end -}}
{{- range $name := $sources }}
{{ $name }}:
  publish:
    - {{ $prefix }}.artifact.>
    - {{ $prefix }}.event.>
    {{- if $hasBucket }}
    - $O.{{ $bucket }}.>
    - $JS.API.DIRECT.GET.OBJ_{{ $bucket }}
    - $JS.API.DIRECT.GET.OBJ_{{ $bucket }}.$O.{{ $bucket }}.>
    - $JS.API.STREAM.INFO.OBJ_{{ $bucket }}
    - $JS.API.STREAM.PURGE.OBJ_{{ $bucket }}
    {{- end }}
  subscribe: [_INBOX.{{ $name }}.>]
{{- end }}
kustomize-controller:
  publish: [{{ $prefix }}.event.>, {{ $prefix }}.audit.>]
  subscribe: [_INBOX.kustomize-controller.>, {{ $prefix }}.artifact.>]
helm-controller:
  publish: [{{ $prefix }}.event.>, {{ $prefix }}.audit.>]
  subscribe: [_INBOX.helm-controller.>]
{{- if .Values.nats.audit.reader }}
auditor:
  publish: [$JS.API.STREAM.INFO.{{ $stream }}AUDIT, $JS.API.DIRECT.GET.{{ $stream }}AUDIT]
  subscribe: [_INBOX.auditor.>]
{{- end }}
{{ $owner }}:
  publish:
    {{- range list "event" "delivery" "deadletter" "delivered" "alerting" }}
    - {{ $prefix }}.{{ . }}.>
    {{- end }}
    {{- range $verb := list "INFO" "CREATE" "UPDATE" }}
    {{- range list "ARTIFACTS" "EVENTS" "DELIVERIES" "DEADLETTER" "DELIVERED" "ALERTING" "AUDIT" }}
    - $JS.API.STREAM.{{ $verb }}.{{ $stream }}{{ . }}
    {{- end }}
    {{- end }}
    {{- if $hasBucket }}
    {{- range $verb := list "INFO" "CREATE" "UPDATE" }}
    - $JS.API.STREAM.{{ $verb }}.OBJ_{{ $bucket }}
    {{- end }}
    {{- end }}
    {{- range list "EVENTS" "AUDIT" }}
    - $JS.API.CONSUMER.CREATE.{{ $stream }}{{ . }}.{{ $owner }}
    {{- end }}
    - $JS.API.CONSUMER.CREATE.{{ $stream }}DELIVERIES.*.{{ $prefix }}.delivery.*.*
    - $JS.API.CONSUMER.DELETE.{{ $stream }}DELIVERIES.{{ $owner }}
    {{- range list (printf "EVENTS.%s" $owner) (printf "AUDIT.%s" $owner) "DELIVERIES.*" }}
    - $JS.API.CONSUMER.INFO.{{ $stream }}{{ . }}
    - $JS.API.CONSUMER.MSG.NEXT.{{ $stream }}{{ . }}
    - $JS.ACK.{{ $stream }}{{ . }}.>
    {{- end }}
    {{- range list "DEADLETTER" "DELIVERED" "DELIVERIES" }}
    - $JS.API.DIRECT.GET.{{ $stream }}{{ . }}
    {{- end }}
    {{- range list "DEADLETTER" "DELIVERIES" }}
    - $JS.API.STREAM.MSG.DELETE.{{ $stream }}{{ . }}
    {{- end }}
    {{- range $followed := list "DELIVERED" "ALERTING" }}
    - $JS.API.DIRECT.GET.{{ $stream }}{{ $followed }}.>
    - $JS.API.CONSUMER.CREATE.{{ $stream }}{{ $followed }}.*.{{ $prefix }}.{{ lower $followed }}.>
    {{- range $verb := list "INFO" "DELETE" "MSG.NEXT" }}
    - $JS.API.CONSUMER.{{ $verb }}.{{ $stream }}{{ $followed }}.*
    {{- end }}
    {{- end }}
  subscribe: [_INBOX.{{ $owner }}.>]
{{- end -}}
