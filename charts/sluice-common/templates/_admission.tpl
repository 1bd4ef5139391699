{{- /*
What tenants may store, refused by the API server before a controller sees it. The controllers refuse the same, but they
cannot refuse to impersonate what they are asked to: RBAC knows no "every account but those of kube-system".

A policy looks at a spec that is new or changes. So nobody is kept from deleting what was stored before, and metadata, such
as finalizers and requests to reconcile, are free. In the namespaces of the system and of the controllers, an object may name
the accounts only that its author could impersonate as well: administrators, and what is applied as one.
*/}}
{{- define "sluice.admission" -}}
{{- $v := .values }}
{{- if and .component.admission $v.multitenancy.enabled $v.multitenancy.admission.create $v.watchAllNamespaces }}
{{- $name := printf "%s-tenants-%s" .name .namespace }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" $name "cluster" true) | nindent 2 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    {{- with $v.multitenancy.admission.exemptNamespaces }}
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: NotIn
          values: {{ toJson . }}
    {{- end }}
    resourceRules:
      {{- range .component.kinds }}
      {{- /* Decisions about changes name nothing but objects of their own namespace. */}}
      {{- if ne .group "delivery.sluice.dev" }}
      - apiGroups: [{{ .group }}]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: {{ without .resources "providers" | toJson }}
      {{- end }}
      {{- end }}
  matchConditions:
    - name: spec-is-new-or-changes
      expression: >-
        oldObject == null || has(object.spec) != has(oldObject.spec) ||
        (has(object.spec) && object.spec != oldObject.spec)
  variables:
    - name: spec
      expression: "has(object.spec) ? dyn(object.spec) : dyn({})"
    {{- if .component.applies }}
    {{- include "sluice.admission-of-appliers" . | nindent 4 }}
  validations:
    {{- include "sluice.admission-rules-of-appliers" . | nindent 4 }}
    {{- else }}
    - name: references
      expression: >-
        has(variables.spec.eventSources) ? variables.spec.eventSources :
        (has(variables.spec.resources) ? variables.spec.resources : dyn([]))
  validations:
    - expression: variables.references.all(r, !has(r.namespace) || r.namespace in ['', request.namespace])
      reason: Forbidden
      message: >-
        spec.eventSources or spec.resources names an object of another namespace, which multitenancy.enabled forbids: leave
        the namespace out
    - expression: >-
        !has(variables.spec.decisions) || variables.spec.decisions.targets.all(t, !has(t.namespace) || t.namespace == request.namespace)
      reason: Forbidden
      message: >-
        spec.decisions.targets names an object of another namespace, which multitenancy.enabled forbids: leave the namespace
        out
    {{- end }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" $name "cluster" true) | nindent 2 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}
{{- end -}}

{{- /* What the rules for Kustomizations and HelmReleases are about. */}}
{{- define "sluice.admission-of-appliers" -}}
{{- $system := list "kube-system" "kube-public" "kube-node-lease" -}}
- name: account
  expression: "has(variables.spec.serviceAccountName) ? variables.spec.serviceAccountName : ''"
- name: protectedNamespaces
  expression: {{ append $system .namespace | toJson | quote }}
- name: sources
  expression: >-
    [
      has(variables.spec.sourceRef) ? variables.spec.sourceRef : dyn({}),
      has(variables.spec.chartRef) ? variables.spec.chartRef : dyn({}),
      has(variables.spec.chart) && has(variables.spec.chart.spec) && has(variables.spec.chart.spec.sourceRef)
        ? variables.spec.chart.spec.sourceRef : dyn({})
    ]
- name: dependencies
  expression: "has(variables.spec.dependsOn) ? variables.spec.dependsOn : dyn([])"
- name: targets
  expression: >-
    [
      has(variables.spec.targetNamespace) ? variables.spec.targetNamespace : dyn(''),
      has(variables.spec.storageNamespace) ? variables.spec.storageNamespace : dyn('')
    ]
{{- end -}}

{{- define "sluice.admission-rules-of-appliers" -}}
{{- $v := .values -}}
- expression: variables.account != '' || has(variables.spec.kubeConfig)
  reason: Forbidden
  message: >-
    spec.serviceAccountName is missing, which multitenancy.enabled forbids: name a ServiceAccount of the namespace
{{- if not $v.multitenancy.admission.remoteClusters }}
- expression: "!has(variables.spec.kubeConfig)"
  reason: Forbidden
  message: spec.kubeConfig is set, but multitenancy.admission.remoteClusters is false; remove it
{{- end }}
{{- if not $v.multitenancy.privileged }}
- expression: >-
    request.namespace != '{{ .namespace }}' ||
    !(variables.account in ['source-controller', 'kustomize-controller', 'helm-controller', 'notification-controller'])
  reason: Forbidden
  message: >-
    spec.serviceAccountName names the account of a controller: name one of your own, or set multitenancy.privileged
{{- end }}
- expression: >-
    !(request.namespace in variables.protectedNamespaces) || (variables.account == ''
      ? authorizer.group('').resource('serviceaccounts').namespace(request.namespace).check('impersonate').allowed()
      : authorizer.group('').resource('serviceaccounts').namespace(request.namespace).name(variables.account).check('impersonate').allowed())
  reason: Forbidden
  message: >-
    this namespace is the system's or the controllers': only who may impersonate the account in spec.serviceAccountName
    can write this here; use a namespace of your own
- expression: >-
    request.namespace in variables.protectedNamespaces || !variables.targets.exists(t, t in variables.protectedNamespaces)
  reason: Forbidden
  message: >-
    spec.targetNamespace or spec.storageNamespace is a namespace of the system or of the controllers: name one of your own
- expression: variables.sources.all(s, !has(s.namespace) || s.namespace in ['', request.namespace])
  reason: Forbidden
  message: >-
    spec.sourceRef, spec.chartRef or spec.chart.spec.sourceRef names a source of another namespace, which
    multitenancy.enabled forbids: leave the namespace out
- expression: >-
    variables.dependencies.all(d, !has(d.namespace) || d.namespace in ['', request.namespace] ||
      (!has(d.readyExpr) && (!has(d.kind) || d.kind in ['', 'Kustomization', 'HelmRelease'])))
  reason: Forbidden
  message: >-
    spec.dependsOn looks into another namespace, which multitenancy.enabled forbids: remove readyExpr from a Kustomization
    or HelmRelease of another namespace, and any object of another kind
{{- end -}}

{{- /* That an Approval names the user who makes it, which only the API server knows. Who may make one is a matter of RBAC. */}}
{{- define "sluice.approval-admission" -}}
{{- if and .component.approvals .values.approvals.verifyUser .values.watchAllNamespaces }}
{{- $name := printf "sluice-approvals-%s" .namespace }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" $name "cluster" true) | nindent 2 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [delivery.sluice.dev]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [approvals]
  validations:
    - expression: >-
        (oldObject != null && has(oldObject.spec) && has(object.spec) && object.spec == oldObject.spec) ||
        (has(object.spec) && has(object.spec.user) && object.spec.user == request.userInfo.username)
      reason: Forbidden
      messageExpression: "'spec.user is not the user who approves: set it to ' + request.userInfo.username"
      message: spec.user is not the user who approves
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" $name "cluster" true) | nindent 2 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}
{{- end -}}
