import { disabledValue, type KubeObject, kustomizeSubstituteAnnotation } from '@sluice/shared/api';
import {
  BudgetError,
  errorMessage,
  formatCanonicalYaml,
  parseYamlStream,
  RetryableError,
  TimeSlice,
  WorkBudget,
  YamlError,
} from '@sluice/shared/base';
import { envsubst, SubstitutionError } from './envsubst.ts';

/** How variables are put into objects. */
export interface SubstituteOptions {
  variables: ReadonlyMap<string, string>;
  /** Refuse variables that are neither set nor have a default. */
  strict: boolean;
  /** Substitute even when there is no variable at all, so that defaults take effect. */
  always: boolean;
  /** Tells in which file, and which line, of the source an expression stands; undefined when nobody can tell. */
  locate?(expression: string, object: KubeObject): Promise<string | undefined>;
}

/** Steps of the substitution of one object, and of a build: a step reads or makes a character. */
const maxSteps = { object: 8_000_000, build: 64_000_000 };
/** Characters of an object after it: the API server takes no more than 3 MiB. */
const maxResult = 3 * 2 ** 20;

const variableName = /^[_A-Za-z][_A-Za-z0-9]*$/;

function isDisabled(object: KubeObject): boolean {
  const { labels, annotations } = object.metadata;
  return (
    labels?.[kustomizeSubstituteAnnotation] === disabledValue ||
    annotations?.[kustomizeSubstituteAnnotation] === disabledValue
  );
}

/**
 * Checks the names of variables.
 *
 * @throws RetryableError BuildFailed that names the first wrong one and where it comes from
 */
export function checkVariableName(name: string, origin: string): void {
  if (variableName.test(name)) return;
  throw new RetryableError(
    'BuildFailed',
    `variable name '${name}' in ${origin} is invalid: it must match ${variableName.source}`,
  );
}

/** An object that cannot be substituted. */
class UnsubstitutedError extends Error {
  readonly object: KubeObject;
  constructor(object: KubeObject, cause: unknown) {
    super(errorMessage(cause), { cause });
    this.object = object;
  }
}

/** Describes a failure; the parser's words about the result are left out, as they may hold values. */
async function failure(
  { object, cause: error }: UnsubstitutedError,
  { locate }: SubstituteOptions,
): Promise<RetryableError> {
  const isExpression = error instanceof SubstitutionError;
  const place = isExpression ? await locate?.(error.expression, object) : undefined;
  const where = place === undefined ? '' : ` (${place})`;
  const name = `${object.kind} '${object.metadata.name}'${where}`;
  const why =
    error instanceof YamlError && error.line !== undefined
      ? `the result is not valid YAML (line ${error.line}): check the values for quotes and colons`
      : errorMessage(error);
  return new RetryableError('BuildFailed', `post build substitution failed for ${name}: ${why}`);
}

/** Whether a text or a key in a value has a `$`; most objects have none, and need not be written as YAML. */
function mayHoldExpression(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('$');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, part]) => key.includes('$') || mayHoldExpression(part));
}

function substituteObject(object: KubeObject, o: SubstituteOptions, build: WorkBudget): KubeObject {
  if (isDisabled(object) || !mayHoldExpression(object)) return object;
  const template = formatCanonicalYaml(object);
  if (!template.includes('${') && !template.includes('$$')) return object;
  try {
    const own = new WorkBudget('the substitution of an object', maxSteps.object);
    const spend = (steps: number) => {
      own.take(steps);
      build.take(steps);
    };
    spend(template.length);
    const text = envsubst(template, (name) => o.variables.get(name), { strict: o.strict, spend });
    if (text.length > maxResult) {
      throw new BudgetError(
        `the result is longer than ${maxResult} characters: use shorter values`,
      );
    }
    const documents = parseYamlStream(text, 'result of the substitution', { exactIntegers: true });
    const [result] = documents as (KubeObject | undefined)[];
    if (documents.length !== 1 || typeof result !== 'object' || !result.metadata?.name)
      throw new Error('the result is not one Kubernetes object: check the values for line breaks');
    return result;
  } catch (error) {
    throw new UnsubstitutedError(object, error);
  }
}

/**
 * Replaces `${var}` in built objects, in the text of each object's YAML, so that a value may also be a number, a
 * boolean or a list. Objects with the label or annotation `kustomize.toolkit.fluxcd.io/substitute: disabled` stay.
 *
 * @throws RetryableError BuildFailed that names the object, the file and the expression, never a value; also when the
 * values would make too much of an object, or of all
 */
export async function substituteVariables(
  objects: KubeObject[],
  o: SubstituteOptions,
): Promise<KubeObject[]> {
  if (o.variables.size === 0 && !o.always) return objects;
  const build = new WorkBudget('the substitution of all objects', maxSteps.build);
  const slice = new TimeSlice();
  const results: KubeObject[] = [];
  try {
    for (const object of objects) {
      if (slice.isOver) await slice.next();
      results.push(substituteObject(object, o, build));
    }
  } catch (error) {
    throw error instanceof UnsubstitutedError ? await failure(error, o) : error;
  }
  return results;
}
