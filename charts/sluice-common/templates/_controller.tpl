{{- /* Everything that belongs to a controller. Takes a context as in _context.tpl, without what is added to it. */}}
{{- define "sluice.controller" -}}
{{- include "sluice.prepare" . -}}
{{- include "sluice.check" . -}}
{{- if .values.installCRDs }}{{ include "sluice.crds" . }}{{ end }}
{{- if .values.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" .name "annotations" .values.serviceAccount.annotations) | nindent 2 }}
automountServiceAccountToken: {{ .values.serviceAccount.automount }}
{{- end }}
{{- include "sluice.rbac" . }}
{{- include "sluice.admission" . }}
{{- include "sluice.approval-admission" . }}
{{- range $shard := include "sluice.shards" . | fromYamlArray }}
{{- $c := merge (dict "shard" $shard) $ }}
{{- include "sluice.claims" $c }}
{{- include "sluice.services" $c }}
{{- include "sluice.deployment" $c }}
{{- include "sluice.disruption-budget" $c }}
{{- end }}
{{- include "sluice.network-policy" . }}
{{- include "sluice.ingress" . }}
{{- include "sluice.pod-monitor" . }}
{{- include "sluice.prometheus-rule" . }}
{{- end -}}

{{- /* Refuses values that cannot work together. */}}
{{- define "sluice.check" -}}
{{- $v := .values -}}
{{- if gt (int $v.replicas) 1 -}}
{{- if eq $v.leaderElection "never" -}}
{{- fail (printf "%s: replicas: %d needs leaderElection: auto or always, or they would all reconcile the same objects" .name (int $v.replicas)) -}}
{{- end -}}
{{- if $v.outbox.persistence.enabled -}}
{{- fail (printf "%s: outbox.persistence is for one replica; set replicas: 1 or outbox.persistence.enabled: false" .name) -}}
{{- end -}}
{{- if and $v.storage (dig "persistence" "enabled" false (default dict $v.storage)) -}}
{{- fail (printf "%s: storage.persistence is for one replica; set replicas: 1 or storage.persistence.enabled: false" .name) -}}
{{- end -}}
{{- end -}}
{{- if and $v.nats.url (not $v.nats.existingSecret) (or $v.nats.keys.password $v.nats.keys.creds $v.nats.keys.nkey $v.nats.keys.ca $v.nats.keys.cert $v.nats.keys.key) -}}
{{- fail (printf "%s: nats.keys name keys of a Secret: set nats.existingSecret" .name) -}}
{{- end -}}
{{- if and $v.nats.user (not $v.nats.keys.password) -}}
{{- fail (printf "%s: nats.user needs the key of its password in nats.keys.password" .name) -}}
{{- end -}}
{{- if and $v.sharding.shards (ne (len $v.sharding.shards) (len (uniq $v.sharding.shards))) -}}
{{- fail (printf "%s: sharding.shards names a shard twice" .name) -}}
{{- end -}}
{{- end -}}
