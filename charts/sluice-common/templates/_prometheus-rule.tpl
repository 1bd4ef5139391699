{{- /*
The alerting rules of a controller, from files/rules.yaml, which any Prometheus can read. Here they are limited to the
namespace of the release, get the address of their runbooks, and are changed as prometheus.rules.overrides says.
*/}}
{{- define "sluice.prometheus-rule" -}}
{{- $rules := .values.prometheus.rules -}}
{{- if $rules.create }}
{{- $text := .scope.Files.Get "files/rules.yaml" | replace "namespace=~\".+\"" (printf "namespace=%q" .namespace) }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" .name "labels" $rules.additionalLabels) | nindent 2 }}
spec:
  groups:
    {{- range (fromYaml $text).groups }}
    - name: {{ .name }}
      rules:
        {{- range .rules }}
        {{- $override := get $rules.overrides .alert | default dict }}
        {{- if dig "enabled" true $override }}
        {{- $rule := include "sluice.rule" (dict "rule" . "override" $override "rules" $rules) | fromYaml }}
        - {{ toYaml $rule | nindent 10 | trim }}
        {{- end }}
        {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- /* One rule with its override. The threshold is the number at the end of the expression. */}}
{{- define "sluice.rule" -}}
{{- $rule := .rule -}}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s%s" .rules.runbookURL (lower $rule.alert)) -}}
{{- if hasKey .override "for" }}{{ $_ := set $rule "for" .override.for }}{{ end -}}
{{- if hasKey .override "severity" }}{{ $_ := set $rule.labels "severity" .override.severity }}{{ end -}}
{{- if hasKey .override "threshold" -}}
{{- if not (regexMatch "> [0-9.]+$" $rule.expr) -}}
{{- fail (printf "prometheus.rules.overrides.%s.threshold: this alert has no threshold; set enabled, for or severity" $rule.alert) -}}
{{- end -}}
{{- $_ := set $rule "expr" (regexReplaceAll "> [0-9.]+$" $rule.expr (printf "> %v" .override.threshold)) -}}
{{- end -}}
{{- toYaml $rule -}}
{{- end -}}
