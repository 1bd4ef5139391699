{{- /*
The permissions of a controller. Cluster-wide names end in the namespace, so that two installations do not share them.
With watchAllNamespaces: false, whatever can be is a Role in the namespace of the release.
*/}}
{{- define "sluice.rbac" -}}
{{- $v := .values }}
{{- if $v.rbac.create }}
{{- include "sluice.rbac-election" . }}
{{- $name := printf "%s-%s" .name .namespace }}
{{- if $v.watchAllNamespaces }}
{{- include "sluice.role" (dict "c" . "cluster" true "name" $name "rules" (concat .component.rules (default list .component.clusterRules))) }}
{{- else }}
{{- include "sluice.role" (dict "c" . "name" .name "rules" .component.rules) }}
{{- with .component.clusterRules }}
{{- include "sluice.role" (dict "c" $ "cluster" true "name" $name "rules" .) }}
{{- end }}
{{- end }}
{{- if .component.applies }}
{{- include "sluice.rbac-applier" . }}
{{- include "sluice.rbac-windows" . }}
{{- end }}
{{- end }}
{{- if and $v.rbac.createAggregation (not .umbrella) }}
{{- include "sluice.aggregation" (dict "c" . "suffix" (printf "-%s" .name) "kinds" .component.kinds) }}
{{- end }}
{{- end -}}

{{- /* A role and its binding to the controller's account. */}}
{{- define "sluice.role" -}}
{{- include "sluice.only-role" . }}
{{- include "sluice.binding" (dict "c" .c "cluster" .cluster "name" .name "in" .in "role" .name "roleKind" (ternary "ClusterRole" "Role" (default false .cluster))) }}
{{- end -}}

{{- /* May take in: the namespace of a Role, that of the release unless told. */}}
{{- define "sluice.only-role" -}}
{{- $kind := ternary "ClusterRole" "Role" (default false .cluster) }}
{{- $metadata := include "sluice.metadata" (dict "c" .c "name" .name "namespace" .in "cluster" .cluster "annotations" .c.values.rbac.annotations) | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata: {{- $metadata }}
rules:
  {{- toYaml .rules | nindent 2 }}
{{- end -}}

{{- /* May take in: the namespace of a RoleBinding, that of the release unless told. */}}
{{- define "sluice.binding" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "ClusterRoleBinding" "RoleBinding" (default false .cluster) }}
metadata:
  {{- include "sluice.metadata" (dict "c" .c "name" .name "namespace" .in "cluster" .cluster "annotations" .c.values.rbac.annotations) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .roleKind }}
  name: {{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ .c.name }}
    namespace: {{ .c.namespace }}
{{- end -}}

{{- /* The Lease of each shard, and no other; a Lease cannot be created by name. */}}
{{- define "sluice.rbac-election" -}}
{{- if include "sluice.elects" . }}
{{- $leases := list }}
{{- range include "sluice.shards" . | fromYamlArray }}
{{- $lease := printf "%s-leader-election" $.name }}
{{- if .selector }}{{ $lease = printf "%s-%s" $lease (sha256sum .selector | trunc 8) }}{{ end }}
{{- $leases = append $leases $lease }}
{{- end }}
{{- $rules := list
  (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "verbs" (list "create"))
  (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "resourceNames" $leases "verbs" (list "get" "update")) }}
{{- include "sluice.role" (dict "c" . "name" (printf "%s-leader-election" .name) "rules" $rules) }}
{{- end }}
{{- end -}}

{{- /*
With what a controller applies: its own role, or nothing but the accounts of tenants. The role "view" lets it watch what
tenants have applied; it shows no Secrets and grants no change.
*/}}
{{- define "sluice.rbac-applier" -}}
{{- $v := .values }}
{{- if or (not $v.multitenancy.enabled) $v.multitenancy.privileged }}
{{- $name := ternary (printf "%s-reconciler-%s" .name .namespace) (printf "%s-reconciler" .name) $v.watchAllNamespaces }}
{{- include "sluice.binding" (dict "c" . "cluster" $v.watchAllNamespaces "name" $name "roleKind" "ClusterRole" "role" $v.rbac.roleRef.name) }}
{{- else }}
{{- $rules := list (dict "apiGroups" (list "") "resources" (list "serviceaccounts") "verbs" (list "impersonate")) }}
{{- $name := ternary (printf "%s-impersonator-%s" .name .namespace) (printf "%s-impersonator" .name) $v.watchAllNamespaces }}
{{- if and $v.watchAllNamespaces $v.multitenancy.tenantNamespaces }}
{{- include "sluice.only-role" (dict "c" . "cluster" true "name" $name "rules" $rules) }}
{{- range $v.multitenancy.tenantNamespaces }}
{{- include "sluice.binding" (dict "c" $ "name" $name "in" . "role" $name "roleKind" "ClusterRole") }}
{{- end }}
{{- else }}
{{- include "sluice.role" (dict "c" . "cluster" $v.watchAllNamespaces "name" $name "rules" $rules) }}
{{- end }}
{{- with $v.multitenancy.watchRole }}
{{- $watcher := ternary (printf "%s-watcher-%s" $.name $.namespace) (printf "%s-watcher" $.name) $v.watchAllNamespaces }}
{{- include "sluice.binding" (dict "c" $ "cluster" $v.watchAllNamespaces "name" $watcher "roleKind" "ClusterRole" "role" .) }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* A controller that watches one namespace also needs the Windows of the administrator's. */}}
{{- define "sluice.rbac-windows" -}}
{{- $v := .values }}
{{- $in := $v.windows.clusterNamespace }}
{{- if and $in (ne $in .namespace) (not $v.watchAllNamespaces) }}
{{- $rules := list (dict "apiGroups" (list "delivery.sluice.dev") "resources" (list "windows") "verbs" (list "list" "watch")) }}
{{- include "sluice.role" (dict "c" . "in" $in "name" (printf "%s-windows-%s" .name .namespace) "rules" $rules) }}
{{- end }}
{{- end -}}

{{- /* Takes c, suffix, and kinds as a list of {group, resources}. Status is written by controllers alone. */}}
{{- define "sluice.aggregation" -}}
{{- range $role, $o := dict
  "view" (dict "to" (list "view" "edit" "admin") "verbs" (list "get" "list" "watch"))
  "edit" (dict "to" (list "edit" "admin") "verbs" (list "create" "delete" "deletecollection" "patch" "update")) }}
{{- $labels := dict }}
{{- range $o.to }}{{ $_ := set $labels (printf "rbac.authorization.k8s.io/aggregate-to-%s" .) "true" }}{{ end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- include "sluice.metadata" (dict "c" $.c "name" (printf "flux-%s%s" $role $.suffix) "cluster" true "labels" $labels "annotations" $.c.values.rbac.annotations) | nindent 2 }}
rules:
  {{- range $.kinds }}
  {{- if or (eq $role "view") (not .viewOnly) }}
  - apiGroups:
      - {{ .group }}
    resources:
      {{- range .resources }}
      - {{ . }}
      {{- if eq $role "view" }}
      - {{ . }}/status
      {{- end }}
      {{- end }}
    verbs:
      {{- toYaml $o.verbs | nindent 6 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Not empty when objects may name the ServiceAccounts as which to log in to clouds. */}}
{{- define "sluice.logs-in-as-accounts" -}}
{{- if has "ObjectLevelWorkloadIdentity=true" (index .values.flags "feature-gates" | default list) }}true{{ end }}
{{- end -}}
