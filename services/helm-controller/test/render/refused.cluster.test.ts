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
    name: 'a schema that refers to a file',
    files: { 'values.schema.json': '{"$ref": "file:///etc/passwd"}' },
    kind: 'schema',
    message: "refers to 'etc/passwd', outside of itself, which is not read",
  },
  {
    name: 'a schema that refers to a server that nobody may reach',
    files: { 'values.schema.json': '{"$ref": "http://169.254.169.254/s.json"}' },
    kind: 'schema',
    message:
      /refers to 'http:\/\/169.254.169.254\/s.json', whose host .* which is refused: .*or set disableSchemaValidation in spec.install/,
  },
  {
    name: 'a chart whose name leads upwards',
    files: { 'Chart.yaml': 'apiVersion: v2\nname: ..\nversion: 1.0.0\n' },
    kind: 'other',
    message: 'chart.metadata.name',
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
    name: 'texts that double',
    template:
      '{{ $a := "xxxxxxxx" }}{{ range until 40 }}{{ $a = print $a $a }}{{ end }}a: {{ $a }}',
    kind: 'other',
    message: '--helm-memory-limit',
  },
  {
    name: 'templates in templates that double',
    template:
      '{{ define "b" }}{{ if gt (int .) 0 }}{{ $n := sub . 1 }}{{ include "b" $n }}{{ include "b" $n }}{{ else }}xxxxxxxx{{ end }}{{ end }}a: {{ include "b" 40 }}',
    more: { timeoutMs: 700 },
    kind: 'other',
    message: 'took longer than 700 ms',
  },
  {
    name: 'a release of more than 64 MiB',
    template: 'a: {{ repeat 35000000 "x" }}',
    files: { 'templates/y.yaml': 'a: {{ repeat 35000000 "x" }}' },
    kind: 'other',
    message: /64 MiB|--helm-memory-limit/,
  },
  {
    name: 'keys without end',
    template: '{{ range until 30000 }}{{ $_ := genPrivateKey "rsa" }}{{ end }}',
    more: { timeoutMs: 700 },
    kind: 'other',
    message: 'took longer than 700 ms',
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
      expect(String(error)).not.toMatch(/s3cr3t|\/tmp/);
    }
  });

  test('and only that one: others go on meanwhile, in its namespace and in others', async () => {
    const endless = await writeChart(bed.dir, 'endless', {
      'templates/x.yaml': '{{ range until 300000 }}{{ range until 300000 }}{{ end }}{{ end }}',
    });
    const healthy = await writeChart(bed.dir, 'healthy', { 'templates/x.yaml': 'a: b' });
    const stop = new AbortController();
    let running = 0;
    // As many as there are slots for one namespace, and more.
    const attacks = Array.from({ length: 8 }, async () => {
      running++;
      const share = 'attacker';
      const { signal } = stop;
      await expect(bed.install(endless, { share, signal })).rejects.toThrow('aborted');
      running--;
    });
    for (let count = 0; count < 5; count++) {
      expect((await bed.install(healthy)).manifest).toContain('a: b');
    }
    expect(running).toBe(8);
    stop.abort();
    await Promise.all(attacks);
    expect((await bed.install(healthy, { share: 'attacker' })).manifest).toContain('a: b');
  });
});
