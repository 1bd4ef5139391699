import { readdir } from 'node:fs/promises';
import { SecretMasker } from '@sluice/shared/base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RenderRequest } from '../../src/render/renderer.ts';
import { createRenderBed, type RenderBed } from './bed.ts';
import { type ChartFiles, writeChart } from './charts.ts';

let bed: RenderBed;
let count = 0;
beforeAll(async () => {
  bed = await createRenderBed();
});
afterAll(() => bed.close());

interface Refusal {
  name: string;
  template?: string;
  files?: ChartFiles;
  more?: Partial<RenderRequest>;
  kind: string;
  message: string | RegExp;
}

const schema = JSON.stringify({
  properties: {
    image: { properties: { port: { type: 'integer' }, tag: { pattern: '^v' } } },
  },
  required: ['host'],
});

const refusals: Refusal[] = [
  {
    name: 'a value that is missing in a template',
    template: '\na: {{ .Values.x.y.z }}',
    kind: 'template',
    message: /^c\d+\/templates\/x.yaml:2:13: executing .* at <.Values.x.y.z>: nil pointer/,
  },
  {
    name: 'fail and required',
    template: 'a: {{ required "set foo" .Values.foo }}',
    kind: 'template',
    message: /templates\/x.yaml:1:6\): set foo$/,
  },
  {
    name: 'a template that does not parse',
    template: 'a: {{ if }}',
    kind: 'template',
    message: /templates\/x.yaml:1\): missing value for if$/,
  },
  {
    name: 'a template that includes itself',
    template: '{{ define "r" }}{{ include "r" . }}{{ end }}a: {{ include "r" . }}',
    kind: 'template',
    message:
      /^.{0,600}rendering template has a nested reference name: r: unable to execute template$/,
  },
  {
    name: 'a template that calls itself',
    template: '{{ define "r" }}{{ template "r" . }}{{ end }}a: {{ template "r" . }}',
    kind: 'template',
    message: 'exceeded maximum template depth',
  },
  {
    name: 'what is no YAML',
    template: 'a: b\nc: [',
    kind: 'template',
    message: /^YAML parse error on c\d+\/templates\/x.yaml: .* line 2/,
  },
  {
    name: 'values against the schema',
    files: { 'values.schema.json': schema },
    more: { values: { image: { port: 'x' } } },
    kind: 'schema',
    message:
      /^the values do not fit the schema of chart c\d+: .*\/image\/port: got string, want integer/,
  },
  {
    name: 'a missing value at the top against the schema',
    files: { 'values.schema.json': schema },
    kind: 'schema',
    message: "/: missing property 'host'",
  },
  {
    name: 'another version of Kubernetes',
    files: {
      'Chart.yaml': 'apiVersion: v2\nname: old\nversion: 1.0.0\nkubeVersion: "<1.2.0"\n',
    },
    kind: 'kubeVersion',
    message: 'chart requires kubeVersion: <1.2.0',
  },
  {
    name: 'a dependency that is not there',
    files: {
      'Chart.yaml':
        'apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n',
    },
    kind: 'other',
    message: 'missing in charts/ directory: sub',
  },
  {
    name: 'a list without end',
    template: '{{ range until 1000000000 }}a{{ end }}',
    kind: 'other',
    message: '--helm-memory-limit',
  },
  {
    name: 'a huge text',
    template: 'a: {{ repeat 2000000000 "x" }}',
    kind: 'other',
    message: '--helm-memory-limit',
  },
  {
    name: 'a template that does not end',
    template: '{{ range until 30000 }}{{ range until 30000 }}{{ end }}{{ end }}',
    more: { timeoutMs: 700 },
    kind: 'other',
    message: 'took longer than 700 ms: raise spec.timeout',
  },
];

describe('a rendering refuses', () => {
  test.each(refusals)('$name', async ({ template = 'a: b', files, more, kind, message }) => {
    const chart = { 'templates/x.yaml': template, ...files };
    const path = await writeChart(bed.dir, `c${count++}`, chart);
    const refused = expect(bed.install(path, more)).rejects;
    const text = typeof message === 'string' ? expect.stringContaining(message) : message;
    await refused.toMatchObject({
      name: 'RenderError',
      kind,
      message:
        typeof text === 'object' && text instanceof RegExp ? expect.stringMatching(text) : text,
    });
  });

  test('without telling secret values, paths or addresses', async () => {
    const secrets = new SecretMasker();
    secrets.add('s3cr3t-token');
    const values = { image: { tag: 's3cr3t-token' }, host: 'x' };
    const path = await writeChart(bed.dir, 'quoting', {
      'values.schema.json': schema,
      'templates/x.yaml': 'a: {{ fail .Values.image.tag }}',
    });
    for (const skipSchemaValidation of [false, true]) {
      const error: unknown = await bed
        .install(path, { values, secrets, skipSchemaValidation })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: skipSchemaValidation ? 'template' : 'schema' });
      expect(String(error)).toContain('*****');
      expect(String(error)).not.toMatch(/s3cr3t|127\.0\.0\.1|\/tmp/);
    }
  });

  test('and leaves no file behind', async () => {
    const path = await writeChart(bed.dir, 'tidy', { 'templates/x.yaml': 'a: {{ fail "no" }}' });
    await expect(bed.install(path, { revision: 2, previous: {} })).rejects.toThrow('no');
    const left = (await readdir(bed.dir)).filter((name) => /^(release|post-render)-/.test(name));
    expect(left).toEqual([]);
  });
});
