{{- /*
One policy for the pods of a controller, all shards included. What no rule names is closed: the port of the probes takes
no traffic but the kubelet's, which no policy stops.
*/}}
{{- define "sluice.network-policy" -}}
{{- $v := .values }}
{{- if $v.policies.create }}
{{- $rules := list }}
{{- with $v.policies.metricsFrom }}
{{- $rules = append $rules (dict "ports" (list (dict "port" "http-prom" "protocol" "TCP")) "from" .) }}
{{- end }}
{{- range .component.ingress }}
{{- $from := concat (include "sluice.peers" .controllers | fromYamlArray) (get $v.policies .from) }}
{{- if $from }}
{{- $rules = append $rules (dict "ports" (list (dict "port" .port "protocol" "TCP")) "from" $from) }}
{{- end }}
{{- end }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" .name) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/component: {{ .name }}
      app.kubernetes.io/part-of: flux
  policyTypes:
    - Ingress
    - Egress
  ingress:
    {{- toYaml $rules | nindent 4 }}
  egress:
    {{- toYaml $v.networkPolicy.egress | nindent 4 }}
{{- end }}
{{- end -}}

{{- /* The pods of controllers of the namespace, by our labels or, for those of Flux, by theirs. Takes their names. */}}
{{- define "sluice.peers" -}}
{{- if . -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/part-of: flux
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values:
          {{- toYaml . | nindent 10 }}
- podSelector:
    matchExpressions:
      - key: app
        operator: In
        values:
          {{- toYaml . | nindent 10 }}
{{- else -}}
[]
{{- end -}}
{{- end -}}
