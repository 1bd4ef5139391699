import { type ChartCase, configMap } from './case.ts';

/** The many ways in which templates make documents, and their order. */
export const documents: ChartCase[] = [
  {
    name: 'documents',
    files: {
      'templates/crlf.yaml': configMap(
        '{{ .Release.Name }}-crlf',
        '  a: |\n    one\n    two',
      ).replaceAll('\n', '\r\n'),
      'templates/comments.yaml': `# before
---
# only a comment
---

---
# leading
${configMap('{{ .Release.Name }}-comments # trailing', '  a: "1" # one')}
# at the end
--- # a separator with a comment
${configMap('{{ .Release.Name }}-second', '  a: |\n    ---\n    not a separator\n  b: "--- # neither"')}---
`,
      'templates/json.json':
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-json"}, "data": {"a": "\\u00fc"}}',
      'templates/text.txt': configMap('{{ .Release.Name }}-text', '  a: "1"'),
      'templates/deep/er/x.yml': configMap('{{ .Release.Name }}-deep', '  a: "1"'),
      'templates/empty.yaml': '',
      'templates/blank.yaml': '\n  \n\t\n',
      'templates/if.yaml': `{{- if .Values.second }}
${configMap('{{ .Release.Name }}-if', '  a: "1"')}{{- end }}
`,
      'templates/end.yaml': `${configMap('{{ .Release.Name }}-end', '  a: "1"')}...\n`,
      'templates/start.yaml': `---\n${configMap('{{ .Release.Name }}-start', '  a: "1"')}`,
      'templates/_partial.yaml': configMap('never', '  a: b'),
      'templates/styles.yaml': `apiVersion: "v1"
kind: 'ConfigMap'
metadata: {"name": "{{ .Release.Name }}-styles", labels: &l {"x": "1", 'y': "2"}, annotations: *l}
data:
  folded: >
    a
    b

    c
  literal: |+
    keep

  "quoted.key": 'it''s'
  ? complex
  : !!str 123
  number: !!str 0x10
  unicode: "\\u00e9\\n\\t\\"\\\\"
`,
    },
    upgrade: { values: { second: true } },
  },
  {
    name: 'scalars',
    files: {
      'templates/cm.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  labels: {yes: "yes", "on": "off", number: "0777"}
  annotations:
    float: "1.0"
    octal: '010'
    bool: "true"
    null-text: "null"
    empty: ""
data:
  y: "y"
  0777: "octal key"
  1.50: "float key"
  true: "bool key"
  big: "12345678901234567890"
  sci: "1e10"
  unicode: "日本語 😀 é"
  multi: |-
    a: {{ .Values.word | default "x" }}
      b
binaryData:
  bytes: AAEC/w==
`,
      'templates/svc.yaml': `apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: x}
  ports:
    - {name: a, port: 80, targetPort: http}
    - {name: b, port: 0x51, targetPort: 0o17}
    - {name: c, port: 83, targetPort: 0123, protocol: UDP}
`,
    },
    upgrade: { values: { word: 'yes' } },
    recovery: 'upgrade',
  },
  {
    name: 'kinds',
    files: {
      'templates/a.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-b}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: b}}
  template:
    metadata: {labels: {app: b}}
    spec:
      serviceAccountName: {{ .Release.Name }}
      containers:
        - name: main
          image: example/app:{{ .Chart.Version }}
          env:
            - {name: A, value: "1"}
            {{- if .Values.more }}
            - {name: B, value: "2"}
            {{- end }}
          ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]
          resources: {requests: {cpu: 0.1, memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: b}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-a}
spec:
  replicas: 0
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: main, image: example/app}]}}
`,
      'templates/b.yaml': `apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Release.Name }}}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: {{ .Release.Name }}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get{{ if .Values.more }}, list{{ end }}]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: {{ .Release.Name }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .Release.Name }}}
subjects: [{kind: ServiceAccount, name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ .Release.Namespace }}-{{ .Release.Name }}"}
rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "{{ .Release.Namespace }}-{{ .Release.Name }}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "{{ .Release.Namespace }}-{{ .Release.Name }}"}
subjects: [{kind: ServiceAccount, name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ .Release.Name }}, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: {{ .Release.Name }}}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Release.Name }}}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: b}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: {{ .Release.Name }}}
spec: {minReplicas: 1, maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .Release.Name }}-a}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: {{ .Release.Name }}}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: example/app}]}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 0
  serviceName: {{ .Release.Name }}
  selector: {matchLabels: {app: s}}
  template: {metadata: {labels: {app: s}}, spec: {containers: [{name: main, image: example/app}]}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: "{{ .Release.Namespace }}-{{ .Release.Name }}"}
value: 10
`,
      'templates/0.yaml': configMap('{{ .Release.Name }}-z', '  a: "1"'),
      'templates/z.yaml': configMap('{{ .Release.Name }}-a', '  a: "1"'),
      'values.yaml': 'replicas: 1\n',
    },
    upgrade: { values: { replicas: 2, more: true } },
  },
  {
    name: 'lists',
    files: {
      'templates/list.yaml': `apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: "{{ .Release.Name }}-one"}
    data: {a: "1"}
  - apiVersion: v1
    kind: Secret
    metadata: {name: "{{ .Release.Name }}-two"}
    stringData: {a: "1"}
{{- if .Values.more }}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: "{{ .Release.Name }}-three"}
{{- end }}
`,
      'templates/typed.yaml': `apiVersion: v1
kind: ConfigMapList
items:
  - metadata: {name: "{{ .Release.Name }}-typed"}
    apiVersion: v1
    kind: ConfigMap
    data: {a: "1"}
`,
    },
    values: { more: true },
    upgrade: { values: {} },
    failing: { more: true, failing: true },
  },
  {
    name: 'secrets',
    files: {
      'templates/secret.yaml': `apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
type: Opaque
data: {plain: {{ "geheim" | b64enc }}, both: {{ "from data" | b64enc }}}
stringData:
  both: from stringData
{{- if .Values.more }}
  more: |
    line
{{- else }}
  first: "1"
{{- end }}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-login}
type: kubernetes.io/basic-auth
stringData: {username: a, password: b}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-fixed}
immutable: true
stringData: {a: {{ .Values.fixed | default "1" | quote }}}
`,
    },
    upgrade: { values: { more: true } },
    failing: { fixed: '2' },
    differs: {
      'upgrade.objects.Secret/NAMESPACE/secrets.data.first': '`stringData` of Secrets',
      'failing upgrade and rollback.objects.Secret/NAMESPACE/secrets.data.first':
        '`stringData` of Secrets',
    },
    failure: ['secrets-fixed', 'field is immutable when `immutable` is set'],
  },
];
