import { type BuildCase, configMap, thing } from './case.ts';

const spec = (text: string) => ({ 'a.yaml': thing('a', `spec:\n${text.replace(/^/gm, '  ')}`) });

const script = `#!/bin/sh
set -eu
name="$1"
for i in 1 2 3; do echo "$i $(date)" > /tmp/x; done
`;

const variables: BuildCase['spec'] = {
  postBuild: {
    substitute: {
      word: 'text',
      number: '3',
      float: '1.10',
      boolean: 'true',
      list: '[a, b]',
      colon: 'a: b',
      lines: 'one\ntwo',
      quoted: '"5"',
      empty: '',
      octal: '0777',
      date: '2024-01-01',
      yes_word: 'yes',
      key: 'made',
      path: 'C:\\Temp\\x',
    },
  },
};

/** Manifests with variables. */
export const substitutionCases: BuildCase[] = [
  {
    name: 'variables of every type',
    files: spec(
      'word: ${word}\nnumber: ${number}\nfloat: ${float}\nboolean: ${boolean}\nlist: ${list}\nquotedText: "${number}"\nasText: "${quoted}"\nempty: ${empty}\noctal: ${octal}\ndate: ${date}\nyes: ${yes_word}\n${key}: 1\npath: ${path}\nlines: ${lines}\nboth: ${word}-${number}',
    ),
    spec: variables,
  },
  {
    name: 'functions',
    files: spec(
      'a: ${word^}\nb: ${word^^}\nc: ${none:=default}\nd: ${none:-other}\ne: ${word:1:2}\nf: ${word/t/T}\ng: ${word//t/T}\nh: ${#word}\ni: ${word#t}\nj: ${word%t}\nk: ${none:=${word}}\nl: $${word}\nm: $word\nn: ${empty:=x}',
    ),
    spec: variables,
  },
  {
    name: 'objects that switch it off',
    files: {
      'a.yaml': configMap('a', {
        data: { a: '${word}' },
        metadata: { labels: { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' } },
      }),
      'b.yaml': configMap('b', {
        data: { a: '${word}' },
        metadata: { annotations: { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' } },
      }),
      'c.yaml': configMap('c', { data: { a: '${word}' } }),
    },
    spec: variables,
  },
  {
    name: 'no variables, and those who have defaults',
    files: { 'a.yaml': configMap('a', { data: { a: '${none:=x}' } }) },
    spec: { postBuild: {} },
  },
  {
    name: 'no variables, and the strategy Always',
    files: { 'a.yaml': configMap('a', { data: { a: '${none:=x}', b: '$$' } }) },
    spec: { postBuild: { substituteStrategy: 'Always' } },
  },
  {
    name: 'a script without expressions',
    files: { 'a.yaml': configMap('a', { data: { 'run.sh': script } }) },
    spec: variables,
  },
  {
    name: 'values of YAML in texts of several lines',
    files: {
      'a.yaml': configMap('a', {
        data: { a: 'x: ${colon}\ny: ${list}\n', b: '${word} ${lines}' },
      }),
    },
    spec: variables,
  },
  {
    name: 'a value that ends the YAML',
    refused: true,
    files: spec('a: ${colon}'),
    spec: variables,
  },
  {
    name: 'an expression of a shell',
    refused: true,
    files: { 'a.yaml': configMap('a', { data: { 'run.sh': 'echo ${1:-$HOME} ${list[@]}\n' } }) },
    spec: variables,
  },
  {
    name: 'an unset variable, when they have to be set',
    refused: true,
    strict: true,
    files: { 'a.yaml': configMap('a', { data: { a: '${none}' } }) },
    spec: variables,
  },
  {
    name: 'an unset variable with a default, when they have to be set',
    strict: true,
    files: { 'a.yaml': configMap('a', { data: { a: '${none:=x} ${word}' } }) },
    spec: variables,
  },
  {
    name: 'an unset variable',
    files: { 'a.yaml': configMap('a', { data: { a: '<${none}>' } }) },
    spec: variables,
  },
  {
    name: 'a name that is none',
    refused: true,
    files: { 'a.yaml': configMap('a') },
    spec: { postBuild: { substitute: { 'a-b': 'x' } } },
  },
  {
    name: 'names and namespaces from variables',
    files: { 'a.yaml': configMap('${word}-cm', { metadata: { namespace: '${word}' } }) },
    spec: variables,
  },
];
