{{- define "sluice.deployment" -}}
{{- $v := .values }}
{{- $annotations := merge (dict) $v.annotations (dict "kubectl.kubernetes.io/default-container" "manager") }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "sluice.metadata" (dict "c" . "name" .shard.app "labels" (merge (dict "app" .shard.app) .labels $v.labels)) | nindent 2 }}
spec:
  replicas: {{ $v.replicas }}
  revisionHistoryLimit: {{ $v.revisionHistoryLimit }}
  selector:
    matchLabels:
      app: {{ .shard.app }}
  strategy:
    {{- include "sluice.strategy" . | nindent 4 }}
  template:
    metadata:
      labels:
        {{- toYaml (merge (dict "app" .shard.app) .labels $v.labels) | nindent 8 }}
      annotations:
        {{- toYaml $annotations | nindent 8 }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: {{ $v.serviceAccount.automount }}
      terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
      {{- with $v.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $v.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: manager
          image: {{ $v.image }}:{{ default (printf "v%s" .scope.Chart.AppVersion) $v.tag }}
          {{- with $v.imagePullPolicy }}
          imagePullPolicy: {{ . }}
          {{- end }}
          args:
            {{- include "sluice.args" . | nindent 12 }}
          env:
            - name: RUNTIME_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            {{- if .component.advertises }}
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            {{- end }}
            {{- with $v.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- range .component.ports }}
            - name: {{ .name }}
              containerPort: {{ .port }}
              protocol: TCP
            {{- end }}
          livenessProbe:
            httpGet:
              path: /healthz
              port: healthz
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            {{- toYaml .component.readiness | nindent 12 }}
          {{- with $v.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $v.securityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            - name: outbox
              mountPath: /outbox
            {{- if $v.storage }}
            - name: data
              mountPath: /data
            {{- end }}
            {{- if and $v.nats.url $v.nats.existingSecret }}
            - name: nats
              mountPath: /etc/sluice/nats
              readOnly: true
            {{- end }}
            {{- if include "sluice.shows-token" . }}
            - name: events-token
              mountPath: /etc/sluice/events
              readOnly: true
            {{- end }}
            {{- if include "sluice.reads-artifacts" . }}
            - name: artifacts-token
              mountPath: /etc/sluice/artifacts
              readOnly: true
            {{- end }}
            {{- with $v.volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: {{ $v.tmp.sizeLimit }}
        {{- include "sluice.volume" (dict "name" "outbox" "of" $v.outbox "claim" (printf "%s-outbox" .shard.app)) | nindent 8 }}
        {{- with $v.storage }}
        {{- include "sluice.volume" (dict "name" "data" "of" . "claim" (printf "%s-data" $.shard.app)) | nindent 8 }}
        {{- end }}
        {{- if and $v.nats.url $v.nats.existingSecret }}
        - name: nats
          secret:
            secretName: {{ $v.nats.existingSecret }}
            defaultMode: 0440
            items:
              {{- range $file, $key := $v.nats.keys }}
              {{- with $key }}
              - key: {{ . }}
                path: {{ $file }}
              {{- end }}
              {{- end }}
        {{- end }}
        {{- if include "sluice.shows-token" . }}
        {{- include "sluice.token-volume" (dict "name" "events-token" "audience" $v.eventAuthentication.audience) | nindent 8 }}
        {{- end }}
        {{- if include "sluice.reads-artifacts" . }}
        {{- include "sluice.token-volume" (dict "name" "artifacts-token" "audience" $v.artifactAuthentication.audience) | nindent 8 }}
        {{- end }}
        {{- with $v.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $v.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- include "sluice.spread" (dict "constraints" . "labels" (dict "app" $.shard.app)) | nindent 8 }}
      {{- end }}
{{- end -}}

{{- /* Constraints without a labelSelector get that of the pods. */}}
{{- define "sluice.spread" -}}
{{- $all := list -}}
{{- range .constraints -}}
{{- $all = append $all (merge (dict) . (dict "labelSelector" (dict "matchLabels" $.labels))) -}}
{{- end -}}
{{ toYaml $all }}
{{- end -}}

{{- define "sluice.volume" -}}
- name: {{ .name }}
{{- if .of.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ default .claim .of.persistence.existingClaim }}
{{- else }}
  emptyDir:
    sizeLimit: {{ .of.sizeLimit }}
{{- end }}
{{- end -}}

{{- /*
Two pods side by side during an update need an election between them, and no volume that only one of them can have.
*/}}
{{- define "sluice.strategy" -}}
{{- $storage := default dict .values.storage -}}
{{- if or (not (include "sluice.elects" .)) .values.outbox.persistence.enabled (dig "persistence" "enabled" false $storage) -}}
type: Recreate
{{- else -}}
type: RollingUpdate
rollingUpdate:
  maxSurge: 1
  maxUnavailable: 0
{{- end -}}
{{- end -}}
