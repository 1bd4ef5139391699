import {
  parseJson,
  parseYamlStream,
  type SecretMasker,
  StalledError,
  YamlError,
} from '@sluice/shared/base';
import type { Values } from '../release/release.ts';
import { type IntegerSetting, plainValue } from './helm-integer.ts';
import { isMap, mergeMaps } from './merge.ts';
import {
  type LoadedReference,
  ReferenceLoader,
  referenceError,
  type ValuesRequest,
  valuesErrorReason,
} from './references.ts';
import { newBudget, type StrvalsBudget } from './strvals.ts';
import { StrvalsError } from './strvals-reader.ts';
import { setAtPath } from './target-path.ts';

/** The values of a release, without the chart's defaults. */
export interface ComposedValues {
  values: Values;
  /**
   * Those numbers among them that are integers for templates. Given to helm in a file they are floats, as all numbers
   * of YAML are to Helm; given by `--set` they are integers.
   */
  integers: IntegerSetting[];
}

/** Deeper than values are; what reads them may recurse. */
const maxDepth = 500;
/** Shorter lines of a Secret occur in ordinary text. */
const minSecretLine = 8;

function checkDepth(values: Values): void {
  let level: unknown[] = [values];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) {
      throw new StalledError(valuesErrorReason, `spec.values nests deeper than ${maxDepth} levels`);
    }
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
}

function inlineValues({ object }: ValuesRequest): Values {
  const { values } = object.spec;
  if (values === undefined || values === null) return {};
  if (!isMap(values)) {
    throw new StalledError(valuesErrorReason, 'spec.values must be a map of values');
  }
  checkDepth(values);
  return values;
}

/** Teaches the masker the texts and numbers inside the YAML of a Secret, and the lines of texts such as keys. */
function maskLeaves(value: unknown, masker: SecretMasker): void {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) maskLeaves(item, masker);
  }
  if (typeof value !== 'string' && typeof value !== 'number') return;
  const text = String(value);
  masker.add(text);
  if (!text.includes('\n')) return;
  for (const line of text.split('\n')) if (line.trim().length >= minSecretLine) masker.add(line);
}

function parseReference({ content, secret, shown }: LoadedReference, masker: SecretMasker): Values {
  let document: unknown;
  try {
    [document] = parseYamlStream(content, shown, { lastKeyWins: true, exactIntegers: true });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    // The parser's words may quote a Secret.
    const why = secret
      ? ''
      : ` (${error.message.slice(shown.length).replace(/^:\d*\s*:?\s*/, '')})`;
    const line = error.line === undefined ? '' : ` in line ${error.line}`;
    throw referenceError(shown, `is not valid YAML${line}${why}: correct it`);
  }
  if (document === undefined) return {};
  if (!isMap(document)) {
    throw referenceError(
      shown,
      'does not hold a map of values: write keys and values, or set targetPath to use it as one value',
    );
  }
  if (secret) maskLeaves(document, masker);
  return document;
}

function applyTarget(values: Values, loaded: LoadedReference, budget: StrvalsBudget): void {
  const { entry, content: value, secret, shown } = loaded;
  const { targetPath: path = '', literal = false } = entry;
  try {
    setAtPath(values, { path, value, literal }, budget);
  } catch (error) {
    if (!(error instanceof StrvalsError)) throw error;
    const why = secret ? 'path and content are not in the syntax of helm --set' : error.message;
    throw referenceError(
      shown,
      `cannot be put at targetPath '${path}': ${why}; correct it, or set literal: true to use the content as it is`,
    );
  }
}

/** Values that targetPath may write into must not be those of the cached object, nor stand behind two aliases. */
function ownCopy(values: Values): Values {
  return parseJson(JSON.stringify(values)) as Values;
}

/**
 * Puts the values of a HelmRelease together: spec.valuesFrom in order, spec.values over them.
 *
 * A value with a targetPath is put into what is there so far, inline values included. As in Flux, it stays above the
 * inline values only where it is inside a map or list that comes from them alone; what both an entry before and the
 * inline values hold, is taken from the inline values in the end.
 *
 * @throws RetryableError `ValuesError` that names the field, the object, the key and the fix
 * @throws StalledError `ValuesError` when spec.values is no map, or nests too deeply
 * @see https://fluxcd.io/flux/components/helm/helmreleases/#values
 */
export async function composeValues(request: ValuesRequest): Promise<ComposedValues> {
  const { valuesFrom = [] } = request.object.spec;
  const inline = inlineValues(request);
  if (valuesFrom.length === 0) return { values: inline, integers: [] };
  const hasTargets = valuesFrom.some(({ targetPath }) => targetPath);
  const over = hasTargets ? ownCopy(inline) : inline;
  const loader = new ReferenceLoader(request);
  const budget = newBudget();
  let values: Values = {};
  for (const [index, entry] of valuesFrom.entries()) {
    const loaded = await loader.load(entry, `spec.valuesFrom[${index}]`);
    if (loaded === undefined) continue;
    if (entry.targetPath) {
      values = mergeMaps(values, over);
      applyTarget(values, loaded, budget);
    } else {
      const parsed = parseReference(loaded, request.masker);
      values = mergeMaps(values, hasTargets ? ownCopy(parsed) : parsed);
    }
  }
  values = mergeMaps(values, over);
  if (!hasTargets) return { values, integers: [] };
  const integers: IntegerSetting[] = [];
  return { values: plainValue(values, '', integers) as Values, integers };
}
