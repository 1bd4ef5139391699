import type { ChartCase } from './case.ts';
import { onClientSide } from './lifecycle.ts';

const serviceWithUnknown = `apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Values.app | default "x" }}}
  ports: [{port: 80}]
{{- if .Values.broken }}
  selektor: {app: x}
{{- end }}
`;

const notValidated = {
  spec: {
    install: { disableOpenAPIValidation: true },
    upgrade: { disableOpenAPIValidation: true },
  },
  install: ['--disable-openapi-validation'],
  upgrade: ['--disable-openapi-validation'],
};

/** Fields that a kind does not have, with and without validation. */
export const unknownFields: ChartCase[] = [
  {
    name: 'unknown-field',
    files: { 'templates/a.yaml': serviceWithUnknown },
    failing: { broken: true },
    failure: ['unknown-field', 'selektor'],
  },
  {
    name: 'unknown-field-not-validated',
    files: { 'templates/a.yaml': serviceWithUnknown },
    failing: { broken: true },
    failure: ['unknown-field-not-validated', 'selektor'],
    options: notValidated,
  },
  {
    name: 'unknown-field-client-side',
    files: { 'templates/a.yaml': serviceWithUnknown },
    values: { broken: true },
    upgrade: { values: { broken: true, app: 'other' } },
    options: onClientSide,
  },
  {
    name: 'unknown-field-client-side-not-validated',
    releaseName: 'unknown-not-validated',
    files: { 'templates/a.yaml': serviceWithUnknown },
    values: { broken: true },
    upgrade: { values: { broken: true, app: 'other' } },
    options: {
      spec: {
        ...notValidated.spec,
        install: { ...notValidated.spec.install, ...onClientSide.spec.install },
      },
      install: [...notValidated.install, ...onClientSide.install],
      upgrade: [...notValidated.upgrade, ...onClientSide.upgrade],
      rollback: onClientSide.rollback,
    },
  },
  {
    name: 'unknown-field-replaced',
    files: { 'templates/a.yaml': serviceWithUnknown },
    failing: { broken: true },
    failure: ['unknown-field-replaced', 'selektor'],
    options: {
      spec: { ...onClientSide.spec, upgrade: { force: true } },
      install: onClientSide.install,
      upgrade: ['--force-replace'],
      rollback: onClientSide.rollback,
    },
  },
];
