{{- /*
The custom resource definitions of a controller, from files/crds. They are texts that stay as they are, but for their
metadata: YAML read and written by Helm would change large numbers.
*/}}
{{- define "sluice.crds" -}}
{{- $annotations := dict -}}
{{- if .values.crds.keep }}{{ $_ := set $annotations "helm.sh/resource-policy" "keep" }}{{ end -}}
{{- $annotations = merge (dict) .values.crds.annotations $annotations -}}
{{- $head := "metadata:\n" -}}
{{- if $annotations }}{{ $head = printf "metadata:\n  annotations:%s\n" (toYaml $annotations | nindent 4) }}{{ end -}}
{{- $labels := printf "  labels:%s\nspec:\n" (toYaml .labels | nindent 4) -}}
{{- range $path, $_ := .scope.Files.Glob "files/crds/*.yaml" }}
{{- $text := $.scope.Files.Get $path | replace "\nmetadata:\n" (printf "\n%s" $head) }}
---
{{ regexReplaceAllLiteral "(?s)\n  labels:\n.*?\nspec:\n" $text (printf "\n%s" $labels) }}
{{- end }}
{{- end -}}
