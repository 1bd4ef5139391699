import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexError } from '../../src/helm/chart-error.ts';
import type { ChartIndex, ChartVersion } from '../../src/helm/index-charts.ts';
import { readIndex } from '../../src/helm/index-file.ts';
import { parseIndex } from '../../src/helm/parse-index.ts';
import { IndexSplitter } from '../../src/helm/split-index.ts';
import { compareVersions, parseLooseVersion, type Version } from '../../src/semver/version.ts';

const entry = (fields: object) => ({ apiVersion: 'v2', name: 'app', version: '1.0.0', ...fields });

const versionsIn = (index: ChartIndex, name: string): ChartVersion[] =>
  JSON.parse(index.get(name) ?? '[]');

function versionsOf(entries: object): unknown[] {
  const { charts } = parseIndex(JSON.stringify({ apiVersion: 'v1', entries }));
  return versionsIn(charts.index, 'app').map(({ version }) => version);
}

/** What is stored of an index. */
async function stored(text: string): Promise<{ entries: Record<string, unknown[]> }> {
  const folder = await temporaryFolder('index');
  try {
    const source = join(folder.path, 'index.yaml');
    const destination = join(folder.path, 'index.json');
    await writeFile(source, text);
    const store = { destination, algorithm: 'sha256' as const };
    const { stored } = await readIndex({ operation: 'index', source, store });
    const bytes = await readFile(destination);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    expect(stored).toEqual({ size: bytes.length, digest });
    return JSON.parse(bytes.toString());
  } finally {
    await folder.remove();
  }
}

/** How many versions of each chart an index is cut into; undefined when it cannot be. */
function versionsCut(text: string): number[] | undefined {
  const found: number[] = [];
  const splitter = new IndexSplitter({
    chart: () => found.push(0) > 0,
    version: () => found.push((found.pop() ?? 0) + 1) > 0,
  });
  const isCut = text.split(/(?<=\n)/).every((line) => splitter.take(line));
  return isCut && splitter.finish() !== undefined ? found : undefined;
}

describe('parseIndex', () => {
  it.each([
    { name: 'JSON', text: JSON.stringify({ apiVersion: 'v1', entries: { app: [entry({})] } }) },
    {
      name: 'YAML',
      text: 'apiVersion: v1\nentries:\n  app:\n  - name: app\n    version: 1.0.0\n',
    },
    {
      name: 'YAML in one line',
      text: '{apiVersion: v1, entries: {app: [{name: app, version: 1.0.0}]}}',
    },
    {
      name: 'YAML with aliases',
      text: 'apiVersion: v1\nx: &x {name: app, version: 1.0.0}\nentries: {app: [*x, *x]}\n',
    },
  ])('reads $name', ({ text }) => {
    const [first] = versionsIn(parseIndex(text).charts.index, 'app');
    expect(first).toMatchObject({ version: '1.0.0' });
  });

  it.each([
    { name: 'nothing', text: ' \n', message: /empty/ },
    { name: 'a list', text: '[]', message: /must hold a map/ },
    { name: 'no API version', text: 'entries: {}', message: /no API version/ },
    { name: 'entries as a list', text: 'apiVersion: v1\nentries: []', message: /must be a map/ },
    { name: 'an entry as a map', text: 'apiVersion: v1\nentries: {a: {}}', message: /entries\.a/ },
    { name: 'broken YAML', text: 'apiVersion: v1\nentries: [', message: /index\.yaml:2/ },
    {
      name: 'a key twice',
      text: 'apiVersion: v1\nentries: {}\nentries: {}',
      message: /index\.yaml:3/,
    },
  ])('refuses $name', ({ text, message }) => {
    expect(() => parseIndex(text)).toThrow(IndexError);
    expect(() => parseIndex(text)).toThrow(message);
  });

  it.each([
    { name: 'null', invalid: null },
    { name: 'no name', invalid: entry({ name: '' }) },
    { name: 'a name that leads out', invalid: entry({ name: '..' }) },
    { name: 'a name that is a path', invalid: entry({ name: 'a/../b' }) },
    { name: 'no version', invalid: entry({ version: undefined }) },
    { name: 'a version that is none', invalid: entry({ version: 'latest' }) },
    { name: 'an unknown type', invalid: entry({ type: 'bundle' }) },
  ])('leaves out an entry with $name', ({ invalid }) => {
    expect(versionsOf({ app: [invalid, entry({})] })).toEqual(['1.0.0']);
  });

  it('sorts the versions of a chart, the highest first', () => {
    const versions = ['1.0.0-rc.2', '1.10.0', 'v1.9.0', '1.0.0-rc.10', '1.0.0'];
    const entries = { app: versions.map((version) => entry({ version })) };
    expect(versionsOf(entries)).toEqual(['1.10.0', 'v1.9.0', '1.0.0', '1.0.0-rc.10', '1.0.0-rc.2']);
  });

  it('keeps every valid version, in falling order, whatever the order was', () => {
    const number = fc.nat({ max: 20 });
    const version = fc.tuple(number, number, number).map((numbers) => numbers.join('.'));
    fc.assert(
      fc.property(fc.array(version), (versions) => {
        const entries = { app: versions.map((one) => entry({ version: one })) };
        const sorted = versionsOf(entries) as string[];
        expect([...sorted].sort()).toEqual([...versions].sort());
        for (let at = 1; at < sorted.length; at++) {
          const [above, below] = [sorted[at - 1] ?? '', sorted[at] ?? ''].map(parseLooseVersion);
          expect(compareVersions(above as Version, below as Version)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('reads an index in parts as it reads it whole', async () => {
    const item = (version: string, more = '') =>
      `  - name: app\n    version: ${version}\n    description: |\n      two\n\n      lines: yes\n${more}`;
    const text = `---\napiVersion: v1\nentries:\n  app:\n${item('1.0.0')}${item('1.1.0', '    keywords:\n    - a\n    - b\n')}  "1.2":\n${item('2.0.0')}# end\ngenerated: "2024-01-01T00:00:00Z"\n`;
    expect(versionsCut(text)).toEqual([2, 1]);
    // The same, in a form that is not cut up.
    const inOtherForm = text.replace('entries:\n', 'entries: &all\n');
    expect(versionsCut(inOtherForm)).toBeUndefined();
    const whole = await stored(inOtherForm);
    expect(await stored(text)).toEqual(whole);
    expect(Object.keys(whole.entries)).toEqual(['1.2', 'app']);
    expect(whole.entries['app']?.[0]).toEqual({
      name: 'app',
      version: '1.1.0',
      description: 'two\n\nlines: yes\n',
      keywords: ['a', 'b'],
    });
  });

  it('stores an index that is larger than what is written at once', async () => {
    // Characters of several bytes, so that some are cut by the blocks.
    const charts = Array.from({ length: 4000 }, (_, at) => `chart-${at}`);
    const description = 'ä€🙂'.repeat(100);
    const items = charts.map(
      (name) =>
        `  ${name}:\n  - name: ${name}\n    version: 1.0.0\n    description: ${description}\n`,
    );
    const { entries } = await stored(`apiVersion: v1\nentries:\n${items.join('')}`);
    expect(Object.keys(entries)).toEqual([...charts].sort());
    expect(entries['chart-3999']).toEqual([{ name: 'chart-3999', version: '1.0.0', description }]);
  });

  it.each(['true', 'null', 'no', '1.20', '0x12345', '2024-01-01'])(
    'takes no part with the name %s, which is no text, for a chart',
    (name) => {
      const text = `apiVersion: v1\nentries:\n  ${name}:\n  - name: app\n    version: 1.0.0\n`;
      const whole = parseIndex(text.replace('entries:\n', 'entries: &all\n'));
      expect(parseIndex(text).charts.index).toEqual(whole.charts.index);
    },
  );

  it.each([
    { name: 'an alias into another part', part: '  - *x\n' },
    { name: 'a string that goes on at the start of a line', part: '  - "a\nb: c"\n' },
    { name: 'a name twice', part: '  app:\n  - name: app\n    version: 1.0.0\n' },
    { name: 'another document', part: '---\n' },
    { name: 'a tab', part: '\t- a\n' },
  ])('judges $name as a whole', ({ part }) => {
    const text = `apiVersion: v1\nentries:\n  app:\n  - &x {name: app, version: 1.0.0}\n${part}`;
    const judged = (one: string) => {
      try {
        return parseIndex(one).charts.index;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const inOtherForm = text.replace('entries:\n', 'entries: &y\n');
    expect(judged(text)).toEqual(judged(inOtherForm));
  });

  it('takes no name of a chart for something else', () => {
    const text = '{"apiVersion":"v1","entries":{"__proto__":[],"constructor":[]}}';
    expect([...parseIndex(text).charts.index.keys()]).toEqual(['__proto__', 'constructor']);
  });
});
