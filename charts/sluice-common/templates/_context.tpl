{{- /*
The context of a controller, which all templates of this chart take:
  name       its name, such as source-controller
  scope      the scope of its chart: of the release, or a subchart's inside the umbrella
  umbrella   true inside of the umbrella
  install    values that the umbrella has for the whole installation; empty without one
"sluice.prepare" adds:
  values     defaults < install < the chart's own values
  component  what the controller is: ports, rules, arguments ("<name>.component")
  namespace, labels
*/}}

{{- /* Puts the values of "from" into "into", group by group; a null counts as not set. */}}
{{- define "sluice.merge" -}}
{{- $into := .into -}}
{{- range $key, $value := .from -}}
{{- if kindIs "invalid" $value -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $into $key)) (not (has $key (list "resources" "annotations" "securityContext" "podSecurityContext"))) -}}
{{- include "sluice.merge" (dict "into" (get $into $key) "from" $value) -}}
{{- else -}}
{{- $_ := set $into $key (deepCopy $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sluice.prepare" -}}
{{- $values := include "sluice.defaults" . | fromYaml -}}
{{- include "sluice.merge" (dict "into" $values "from" .install) -}}
{{- include "sluice.merge" (dict "into" $values "from" (omit .scope.Values "global" "sluice-common")) -}}
{{- $_ := set . "values" $values -}}
{{- $_ := set . "namespace" .scope.Release.Namespace -}}
{{- $_ := set . "labels" (include "sluice.labels" . | fromYaml) -}}
{{- $_ := set . "component" (include (printf "%s.component" .name) . | fromYaml) -}}
{{- end -}}

{{- define "sluice.labels" -}}
app.kubernetes.io/component: {{ .name }}
app.kubernetes.io/instance: {{ .scope.Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .scope.Release.Service }}
app.kubernetes.io/part-of: flux
app.kubernetes.io/version: {{ printf "v%s" .scope.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .name .scope.Chart.Version | replace "+" "_" }}
{{- with .values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /*
metadata of an object; takes c and name, and may take labels, annotations, namespace (that of the release unless told) and
cluster (not in a namespace).
*/}}
{{- define "sluice.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ default .c.namespace .namespace }}
{{- end }}
labels:
  {{- toYaml (merge (dict) (default dict .labels) .c.labels) | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Host of a Service of the namespace; the dot at the end saves the search through the resolver's domains. */}}
{{- define "sluice.host" -}}
{{ .service }}.{{ .c.namespace }}.svc.{{ trimSuffix "." .c.values.clusterDomain }}.
{{- end -}}

{{- /*
The shards as a list of {suffix, selector, app}: the first takes what has no label when there are others.
*/}}
{{- define "sluice.shards" -}}
{{- $key := .values.sharding.key -}}
{{- $names := list -}}
{{- if .component.sharded }}{{ $names = .values.sharding.shards }}{{ end -}}
- suffix: ""
  app: {{ .name }}
  selector: {{ if $names }}{{ printf "!%s" $key | quote }}{{ else }}""{{ end }}
{{- range $names }}
- suffix: -{{ . }}
  app: {{ $.name }}-{{ . }}
  selector: {{ printf "%s=%s" $key . | quote }}
{{- end }}
{{- end -}}

{{- /* "true" when replicas elect a leader. */}}
{{- define "sluice.elects" -}}
{{- if or (eq .values.leaderElection "always") (and (eq .values.leaderElection "auto") (gt (int .values.replicas) 1)) -}}
true
{{- end -}}
{{- end -}}
