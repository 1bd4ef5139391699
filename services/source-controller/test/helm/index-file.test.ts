import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexError } from '../../src/helm/chart-error.ts';
import { parseIndex } from '../../src/helm/index-file.ts';
import { IndexSplitter } from '../../src/helm/split-index.ts';
import { compareVersions, parseLooseVersion, type Version } from '../../src/semver/version.ts';

const entry = (fields: object) => ({ apiVersion: 'v2', name: 'app', version: '1.0.0', ...fields });

function versionsOf(entries: object): unknown[] {
  const index = parseIndex(JSON.stringify({ apiVersion: 'v1', entries }));
  return (index.entries.get('app') ?? []).map(({ version }) => version);
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
    expect(parseIndex(text).entries.get('app')?.[0]).toMatchObject({ version: '1.0.0' });
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

  it('reads an index in parts as it reads it whole', () => {
    const item = (version: string, more = '') =>
      `  - name: app\n    version: ${version}\n    description: |\n      two\n\n      lines: yes\n${more}`;
    const text = `---\napiVersion: v1\nentries:\n  app:\n${item('1.0.0')}${item('1.1.0', '    keywords:\n    - a\n    - b\n')}  "1.2":\n${item('2.0.0')}# end\ngenerated: "2024-01-01T00:00:00Z"\n`;
    expect(versionsCut(text)).toEqual([2, 1]);
    // The same, in a form that is not cut up.
    const whole = parseIndex(text.replace('entries:\n', 'entries: &all\n'));
    expect(versionsCut(text.replace('entries:\n', 'entries: &all\n'))).toBeUndefined();
    expect(parseIndex(text)).toEqual(whole);
    expect([...whole.entries.keys()].sort()).toEqual(['1.2', 'app']);
    expect(JSON.parse(whole.entries.get('app')?.[0]?.json ?? '')).toEqual({
      name: 'app',
      version: '1.1.0',
      description: 'two\n\nlines: yes\n',
      keywords: ['a', 'b'],
    });
  });

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
        return parseIndex(one);
      } catch (error) {
        return (error as Error).message;
      }
    };
    const inOtherForm = text.replace('entries:\n', 'entries: &y\n');
    expect(judged(text)).toEqual(judged(inOtherForm));
  });

  it('takes no name of a chart for something else', () => {
    const text = '{"apiVersion":"v1","entries":{"__proto__":[],"constructor":[]}}';
    expect([...parseIndex(text).entries.keys()]).toEqual(['__proto__', 'constructor']);
  });
});
