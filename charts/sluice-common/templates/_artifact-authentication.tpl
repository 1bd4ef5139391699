{{- /*
Whether artifacts are served to those alone who show a token. Unless told, only where all who download are known to have one:
in a whole installation of ours, and when nobody else is let in. The review of a token takes a right that no Role can give.
*/}}
{{- define "sluice.authenticates-artifacts" -}}
{{- $mode := .values.artifactAuthentication.mode -}}
{{- if or (eq $mode "always") (and (eq $mode "auto") .install.complete .values.watchAllNamespaces (not .values.policies.artifactsFrom)) -}}
true
{{- end -}}
{{- end -}}

{{- /* Whether this controller shows a token when it downloads artifacts. */}}
{{- define "sluice.reads-artifacts" -}}
{{- if and .component.readsArtifacts (include "sluice.authenticates-artifacts" .) -}}
true
{{- end -}}
{{- end -}}

{{- define "sluice.artifact-args" }}
{{- if include "sluice.reads-artifacts" . }}
{{- $hosts := list }}
{{- range $name := list "source-controller" "source-watcher" }}
{{- $hosts = append $hosts (include "sluice.host" (dict "c" $ "service" $name)) }}
{{- range $.values.sharding.shards }}
{{- $hosts = append $hosts (include "sluice.host" (dict "c" $ "service" (printf "%s-%s" $name .))) }}
{{- end }}
{{- end }}
- --artifact-token-file=/etc/sluice/artifacts/token
- --artifact-token-hosts={{ concat $hosts .values.artifactAuthentication.hosts | uniq | join "," }}
{{- end }}
{{- if and .component.advertises (include "sluice.authenticates-artifacts" .) }}
- --artifact-authentication=token
- {{ printf "--artifact-audience=%s" .values.artifactAuthentication.audience | quote }}
{{- $readers := list }}
{{- range list "source-controller" "kustomize-controller" "helm-controller" "source-watcher" }}
{{- $readers = append $readers (printf "%s:%s" $.namespace .) }}
{{- end }}
- --artifact-readers={{ concat $readers .values.artifactAuthentication.readers | uniq | join "," }}
{{- end }}
{{- end -}}

{{- /* The rule with which the tokens of readers are reviewed. */}}
{{- define "sluice.artifact-rules" -}}
{{- if include "sluice.authenticates-artifacts" . }}
clusterRules:
  # Who wants an artifact.
  - apiGroups: [authentication.k8s.io]
    resources: [tokenreviews]
    verbs: [create]
{{- end }}
{{- end -}}

{{- /* Rules of who keeps artifacts that consumers name. */}}
{{- define "sluice.pin-rules" -}}
{{- if .values.artifactPinning.enabled }}
  # What still needs an artifact.
  - apiGroups: [kustomize.toolkit.fluxcd.io]
    resources: [kustomizations]
    verbs: [list, watch]
  - apiGroups: [helm.toolkit.fluxcd.io]
    resources: [helmreleases]
    verbs: [list, watch]
{{- end }}
{{- end -}}
