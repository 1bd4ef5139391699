import type { KustomizationSpec } from '@sluice/shared/api';
import {
  configMap,
  thing,
} from '../../../services/kustomize-controller/test/builder/corpus/case.ts';
import type { FidelityCase } from './cases.ts';

/** The source of all of them, in which each has a directory, and the namespace that they go to. */
export const substitutionSource = 'substitution';

type Input = [name: string, manifest: (id: string) => string, spec?: Partial<KustomizationSpec>];

const substitute = {
  word: 'text',
  number: '3',
  float: '1.10',
  boolean: 'true',
  nothing: 'null',
  tilde: '~',
  list: '[a, b]',
  map: '{a: 1}',
  octal: '0777',
  hex: '0x1f',
  exponent: '1e3',
  date: '2024-01-01',
  yes: 'yes',
  quoted: '"5"',
  empty: '',
  spaced: ' x ',
  comment: 'a # b',
  colon: 'a: b',
  lines: 'one\ntwo',
  dollar: '$word',
  nested: '${word}',
  star: '*x',
  bang: '!x',
  percent: '%x',
  path: 'C:\\Temp\\x',
};

/** A custom resource with one field, as it is written. */
const field = (value: string) => (id: string) => thing(id, `spec:\n  v: ${value}`);

const script = 'set -eu\nname="$1"\nfor i in 1 2; do echo "${i} $i $(date) $${name}"; done\n';
const switchedOff = { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' };
const otherwise = { 'kustomize.toolkit.fluxcd.io/substitute': 'enabled' };

const inputs: Input[] = [
  ['an unset variable', field('${none}')],
  ['an unset variable in quotes', field('"${none}"')],
  ['an unset variable within a text', field('a-${none}-b')],
  ['an unset variable in a list', field('["${none}", b]')],
  ['an unset variable as a key', (id) => thing(id, 'spec:\n  ${none}: 1')],
  [
    'an unset variable in a label',
    (id) => configMap(id, { metadata: { labels: { a: '${none}' } } }),
  ],
  ['an unset variable in a name', (id) => configMap(`${id}\${none}`)],
  ['an unset variable in a comment', field('x # ${none}')],
  ['an unset variable that is escaped', field('$${none}')],
  ['an unset variable without braces', field('$none')],
  ['the length of an unset variable', field('"${#none}"')],
  ['an unset variable in capitals', field('${none^^}')],
  ['a part of an unset variable', field('${none:1:2}')],
  ['an unset variable with a replacement', field('${none/a/b}')],
  ['an unset variable that is trimmed', field('${none#a}')],
  ['a default after :=', field('${none:=x}')],
  ['a default after :-', field('${none:-x}')],
  ['a default after =', field('${none=x}')],
  ['a default that is empty', field('${none:=}')],
  ['a default that is empty, of a variable that is set', field('${word:=}')],
  ['a default of a variable that is set to nothing', field('${empty:=x}')],
  ['a default that is a variable', field('${none:=${word}}')],
  ['a default that is an unset variable', field('${none:=${other}}')],
  ['a default with a word that is escaped', field('${none:=$${word}}')],
  ['a default of several words', field('${none:=two words}')],
  ['a message for an unset variable', field('${none:?is needed}')],
  ['another value for a variable that is set', field('${word:+other}')],
  ['another value for an unset variable', field('${none:+other}')],
  ['escapes before a variable', field('$$${word}')],
  ['an element of an array', field('${list[0]}')],
  ['all elements of an array', field('${list[@]}')],
  ['a parameter of a shell', field('${1}')],
  ['braces without a name', field('${}')],
  ['a name between blanks', field('${ word }')],
  ['an expression without an end', field('${word')],
  ['a name with a dash', field('${word-x}')],
  ['a name with a dot', field('${word.x}')],
  ['expressions of other programs', field('"$(word) ${{word}} {{word}}"')],
  ['a script', (id) => configMap(id, { data: { 'run.sh': script } })],
  [
    'numbers, booleans and nothing',
    (id) =>
      thing(
        id,
        'spec:\n  a: ${number}\n  b: "${number}"\n  c: ${float}\n  d: ${boolean}\n  e: ${nothing}\n  f: ${tilde}\n  g: ${octal}\n  h: ${hex}\n  i: ${exponent}\n  j: ${date}\n  k: ${yes}\n  l: ${quoted}\n  m: ${empty}\n  n: ${number}${number}\n  o: a ${number}',
      ),
  ],
  [
    'lists, maps and texts',
    (id) =>
      thing(
        id,
        'spec:\n  a: ${list}\n  b: ${map}\n  c: ${spaced}\n  d: ${comment}\n  e: ${lines}\n  f: ${dollar}\n  g: ${nested}\n  h: ${path}\n  ${word}: 1',
      ),
  ],
  ['a value that makes a map', field('${colon}')],
  ['a value that is an alias', field('${star}')],
  ['a value that is a tag', field('${bang}')],
  ['a value that is a directive', field('${percent}')],
  [
    'an annotation that switches it off',
    (id) => configMap(id, { data: { a: '${none}' }, metadata: { annotations: switchedOff } }),
  ],
  [
    'a label that switches it off',
    (id) => configMap(id, { data: { a: '${none}' }, metadata: { labels: switchedOff } }),
  ],
  [
    'an annotation that says nothing',
    (id) => configMap(id, { data: { a: '${word}' }, metadata: { annotations: otherwise } }),
  ],
  ['no variables', field('"${none} ${none:=x}"'), { postBuild: {} }],
  [
    'no variables, and the strategy Always',
    field('"${none} ${none:=x}"'),
    { postBuild: { substituteStrategy: 'Always' } },
  ],
];

const cases = inputs.map(([name, manifest, spec], index) => {
  const id = `input-${index + 1}`;
  return { name, id, text: manifest(id), spec };
});

/** What variables may be put into, each by itself; all in one source and one namespace. */
export const substitutionCases: FidelityCase[] = cases.map(({ name, id, spec }) => ({
  ...{ name: `a variable: ${name}`, id, makesNamespace: false, source: substitutionSource },
  spec: {
    ...{ path: `./${id}`, targetNamespace: substitutionSource, postBuild: { substitute } },
    ...spec,
  },
}));

/** The files of their source. */
export const substitutionFiles: Record<string, string> = Object.fromEntries(
  cases.map(({ id, text }) => [`${id}/a.yaml`, text]),
);
