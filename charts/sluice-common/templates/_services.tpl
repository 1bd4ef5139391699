{{- define "sluice.services" -}}
{{- range .component.services }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "sluice.metadata" (dict "c" $ "name" (printf "%s%s" .name $.shard.suffix) "labels" .labels "annotations" .annotations) | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    app: {{ $.shard.app }}
  ports:
    - name: {{ .portName }}
      port: 80
      protocol: TCP
      targetPort: {{ .targetPort }}
{{- end }}
{{- end -}}

{{- define "sluice.claim" -}}
{{- with .persistence }}
{{- if and .enabled (not .existingClaim) }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "sluice.metadata" (dict "c" $.c "name" $.name "annotations" .annotations) | nindent 2 }}
spec:
  accessModes:
    - {{ .accessMode }}
  {{- with .storageClassName }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .size }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sluice.claims" -}}
{{- include "sluice.claim" (dict "c" . "name" (printf "%s-outbox" .shard.app) "persistence" .values.outbox.persistence) }}
{{- if .values.storage }}
{{- include "sluice.claim" (dict "c" . "name" (printf "%s-data" .shard.app) "persistence" .values.storage.persistence) }}
{{- end }}
{{- end -}}

{{- define "sluice.disruption-budget" -}}
{{- if and .values.podDisruptionBudget.create (gt (int .values.replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" .shard.app) | nindent 2 }}
spec:
  minAvailable: {{ .values.podDisruptionBudget.minAvailable }}
  selector:
    matchLabels:
      app: {{ .shard.app }}
{{- end }}
{{- end -}}

{{- define "sluice.pod-monitor" -}}
{{- with .values.prometheus.podMonitor }}
{{- if .create }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "sluice.metadata" (dict "c" $ "name" $.name "labels" .additionalLabels) | nindent 2 }}
spec:
  namespaceSelector:
    matchNames:
      - {{ $.namespace }}
  selector:
    matchLabels:
      app.kubernetes.io/component: {{ $.name }}
      app.kubernetes.io/part-of: flux
  podMetricsEndpoints:
    {{- toYaml .podMetricsEndpoints | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sluice.ingress" -}}
{{- with (default dict .values.webhookReceiver).ingress }}
{{- if .create }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "sluice.metadata" (dict "c" $ "name" "webhook-receiver" "labels" .labels "annotations" .annotations) | nindent 2 }}
spec:
  {{- with .ingressClassName }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    {{- range .hosts }}
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path }}
            pathType: {{ .pathType }}
            backend:
              service:
                name: webhook-receiver
                port:
                  name: http
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}
