{{- /*
Whether events over HTTP are taken with tokens only. Unless told, only where all who send are known to have some: in a whole
installation of ours. The review of a token takes a right that no Role can give.
*/}}
{{- define "sluice.authenticates-events" -}}
{{- $mode := .values.eventAuthentication.mode -}}
{{- if or (eq $mode "always") (and (eq $mode "auto") .install.complete .values.watchAllNamespaces) -}}
true
{{- end -}}
{{- end -}}

{{- /* Whether this controller shows a token with its events. */}}
{{- define "sluice.shows-token" -}}
{{- if and (not .component.takesEvents) .values.eventsAddr (not .values.nats.url) (include "sluice.authenticates-events" .) -}}
true
{{- end -}}
{{- end -}}

{{- define "sluice.event-args" }}
{{- if include "sluice.shows-token" . }}
- --events-token-file=/etc/sluice/events/token
{{- end }}
{{- if and .component.takesEvents (include "sluice.authenticates-events" .) }}
- --event-authentication=token
- {{ printf "--event-audience=%s" .values.eventAuthentication.audience | quote }}
{{- $senders := .values.eventAuthentication.senders }}
{{- range list "source-watcher" "helm-controller" "kustomize-controller" "source-controller" }}
{{- $senders = prepend $senders (printf "%s:%s" $.namespace .) }}
{{- end }}
- --event-senders={{ uniq $senders | join "," }}
{{- end }}
{{- end -}}

{{- /* A token of the account of the pod, for one audience; takes name and audience. */}}
{{- define "sluice.token-volume" -}}
- name: {{ .name }}
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ .audience | quote }}
          expirationSeconds: 3600
{{- end -}}
