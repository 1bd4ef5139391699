import { type BuildCase, configMap } from './case.ts';

/** An object that takes any fields: nothing here sends it to a cluster. */
const thing = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${spec}\n`;

const bom = '\ufeff';
const spec = (text: string) => ({ 'a.yaml': thing('a', `spec:\n${text.replace(/^/gm, '  ')}`) });
const data = (text: string) => ({
  'a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n${text.replace(/^/gm, '  ')}\n`,
});

const scalars = `booleans: [true, True, TRUE, false, "yes", 'no']
nulls: [null, Null, ~, "null", ]
empty:
integers: [0, -1, +1, 0777, 0o777, 0x1F, 0b101, 1_000, 08, 9007199254740993, 9223372036854775807, -9223372036854775808]
large: [18446744073709551615, 18446744073709551616, 123456789012345678901234567890]
floats: [1.0, 1.50, 1e3, 1E-7, .5, -.5, 5., 1.0e+21, 3.14159265358979323846, 0.1]
texts: [1.2.3, 12:30:45, 2024-01-01T00:00:00Z, 1e, 0xZZ, 1__0, "0777", '1e3']
dates: {day: 2024-02-30, time: 2024-01-01 10:00:00 +02:00}
tagged: [!!str 5, !!int "5", !!float 5, !!bool "true", !!binary aGVsbG8=, !custom text]`;

const collections = `emptyMap: {}
emptyList: []
nested: [[1, [2]], {a: {b: [{c: d}]}}]
flow: {a: 1, "b": 2, 'c d': 3}
quoted: {"a:b": "c#d", 'it''s': "tab\\tnew\\nline"}
complex: {"1": one, "true": x, "null": none}`;

const strings = `literal: |
  first
    second

  third
folded: >-
  one
  two

  three
kept: |+
  text

clip: >
  text
indented: |2
    two
plain: one
  two
  three
double: "one
  two\\
  three"
windows: C:\\Users\\jane\\new
quotedWindows: 'C:\\Temp\\x'
escapes: "\\u00e9\\x41\\U0001F600\\0\\e"
unicode: "grüße, 日本語, 😀, \u00a0"
long: ${'lorem ipsum '.repeat(60)}
longer: "${'x'.repeat(2000)}"
hash: a#b # comment
colon: "a: b"
special: ["@a", "\`b", "%c", "&d", "*e", "!f", "|g", ">h", "-", "- i", "?j", ":k", "{l", "[m", "#n", "=", "<<"]
trailing: "space "`;

/** Texts of manifests, whose scalars, breaks and separators are of all kinds. */
export const textCases: BuildCase[] = [
  {
    name: 'scalars of every form',
    files: spec(scalars.replace('1__0, ', '').replace('!custom text', 'x')),
  },
  { name: 'collections of every form', files: spec(collections) },
  { name: 'strings of every form', files: spec(strings) },
  {
    name: 'strings in a ConfigMap',
    files: data('a: |\n  x: ${y}\nb: "1"\nc: \'yes\'\nd: >\n  f\n  g\n'),
  },
  {
    name: 'values that are no text in a ConfigMap',
    files: data('number: 1\nboolean: true\nnothing: null\n'),
  },
  {
    name: 'anchors, aliases and merge keys',
    files: spec(
      'base: &base {a: 1, b: [x, z]}\ncopy: *base\nmerged: {<<: *base, c: 3}\nover: {<<: *base, a: 2}\nboth:\n  <<: [*base, {d: 4}]\n  e: &e five\nagain: *e',
    ),
  },
  {
    name: 'a merge key after a key of the same name',
    files: spec('base: &base {a: 1}\nover: {a: 2, <<: *base}'),
    kubectl: { build: 'merge keys', parser: 'merge keys' },
  },
  {
    name: 'words of YAML 1.1',
    files: spec('words: [yes, Yes, no, on, Off, y, n]'),
    kubectl: { build: 'words' },
  },
  {
    name: 'dates without a time',
    files: spec('day: 2024-01-01'),
    kubectl: { build: 'dates' },
  },
  {
    name: 'nothing in a flow mapping',
    files: spec('flow: {a: , b}'),
    kubectl: { build: 'empty values' },
  },
  {
    name: 'a key twice',
    refused: true,
    files: spec('a: 1\nb: 2\na: 3'),
    kubectl: { build: 'keys given twice' },
  },
  {
    name: 'keys that are no text',
    refused: true,
    kubectl: { build: 'keys that are no text' },
    files: spec(
      '1: one\ntrue: two\n1.5: three\n2024-01-01: four\n0x10: six\n"0x11": seven\n012: eight',
    ),
  },
  {
    name: 'null as a key',
    refused: true,
    files: spec('null: one\n~: two'),
    kubectl: { parser: 'reads more' },
  },
  {
    name: 'a word of YAML 1.1 as a key',
    files: spec('yes: one\nno: three'),
    kubectl: { build: 'words' },
  },
  { name: 'a list as a key', refused: true, files: spec('? [a, b]\n: c') },
  { name: 'a map as a key', refused: true, files: spec('{a: b}: c') },
  { name: 'a byte order mark', files: { 'a.yaml': `${bom}${thing('a', 'spec: {a: b}')}` } },
  {
    name: 'line breaks of Windows',
    files: {
      'a.yaml':
        `${thing('a', 'spec:\n  text: |\n    one\n    two\n  plain: x')}---\n${thing('b', 'spec: {}')}`.replaceAll(
          '\n',
          '\r\n',
        ),
    },
  },
  {
    name: 'line breaks of old Macs',
    files: { 'a.yaml': thing('a', 'spec:\n  a: b').replaceAll('\n', '\r') },
  },
  { name: 'tabs as indentation', refused: true, files: { 'a.yaml': thing('a', 'spec:\n\ta: b') } },
  {
    name: 'tabs between and after',
    files: { 'a.yaml': thing('a', 'spec:\n  a:\tb\t\n  c: "d\te"\n  f: [1,\t2]') },
  },
  {
    name: 'JSON',
    files: { 'a.yaml': `\n${configMap('a', { data: { a: 'b/c', d: '\u00e9\u2028' } })}\n` },
  },
  {
    name: 'JSON in many lines',
    files: {
      'a.yaml': JSON.stringify(JSON.parse(configMap('a', { data: { a: '\t"' } })), null, '\t'),
    },
  },
  {
    name: 'JSON objects one after another',
    files: { 'a.yaml': `${configMap('a')}\n${configMap('b')}\n` },
    kubectl: { build: 'JSON after JSON', parser: 'JSON after JSON' },
  },
  {
    name: 'separators of every form',
    files: {
      'a.yaml': `---\n---\n${thing('a', 'spec: {}')}--- # comment\n${thing('b', 'spec: {}')}\n---   \n${thing('c', 'spec: {text: "---"}')}\n---\n\n---\n${thing('d', 'spec:\n  text: |\n    a\n    ---\n    b')}`,
    },
  },
  {
    name: 'an end of a document without another one',
    refused: true,
    kubectl: { parser: 'reads more' },
    files: { 'a.yaml': `${thing('a', 'spec: {}')}---\n...\n---\n${thing('b', 'spec: {}')}` },
  },
  {
    name: 'a document on the line of its separator',
    refused: true,
    kubectl: { parser: 'reads more' },
    files: { 'a.yaml': `--- ${configMap('a')}\n--- ${configMap('b')}\n` },
  },
  {
    name: 'a directive',
    refused: true,
    kubectl: { parser: 'reads more' },
    files: { 'a.yaml': `%YAML 1.1\n---\n${thing('a', 'spec: {a: yes}')}` },
  },
  {
    name: 'a directive of a later version',
    refused: true,
    files: { 'a.yaml': `%YAML 2.0\n---\n${thing('a', 'spec: {}')}` },
  },
  { name: 'no line break at the end', files: { 'a.yaml': thing('a', 'spec: {a: b}').trimEnd() } },
  { name: 'nested values', files: spec(`a: ${'{b: '.repeat(60)}1${'}'.repeat(60)}`) },
  { name: 'an alias without anchor', refused: true, files: spec('a: *none') },
  { name: 'an alias of itself', refused: true, files: spec('a: &a [*a]') },
  { name: 'control characters', refused: true, files: spec('a: "\u0001"') },
  {
    name: 'bytes that are no text',
    files: spec('a: "\u0085\u007fx"'),
    refused: true,
    kubectl: { parser: 'reads more' },
  },
  {
    name: 'a field twice in metadata',
    refused: true,
    kubectl: { build: 'keys given twice' },
    files: {
      'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nmetadata: {name: b}\n',
    },
  },
];
