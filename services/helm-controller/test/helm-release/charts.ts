import { type ChartFiles, chart } from './harness.ts';

/** An object that no API server accepts. */
const refused = `{{ if .Values.refused }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-refused
spec:
  ports: [{ port: 0 }]
{{ end }}
`;

/** A Deployment whose pods never get ready. */
const pending = `{{ if .Values.pending }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-pending
spec:
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata:
      labels: { app: {{ .Release.Name }} }
      annotations: { test.sluice.dev/behaviour: pending }
    spec:
      containers: [{ name: main, image: test }]
{{ end }}
`;

/** A chart with a ConfigMap that fails as its values ask for: `refused` or `pending`. */
export function fragileChart(version = '1.0.0', more: ChartFiles = {}): ChartFiles {
  return chart(version, {
    'values.yaml': 'text: default\nrefused: false\npending: false\n',
    'templates/pending.yaml': pending,
    'templates/refused.yaml': refused,
    ...more,
  });
}

/** Nobody reconciles it, so that it is never observed, which only kstatus takes notice of. */
export const unobserved = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {{ .Release.Name }}-child
spec:
  interval: 1h
  chartRef: { kind: ExternalArtifact, name: none }
`;
