import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { errorMessage, LruBytes, StalledError } from '@sluice/shared/base';
import type { CelBudget } from './cel-budget.ts';
import { type CelCost, celCost } from './cel-cost.ts';
import { CelError, CostExceeded } from './cel-error.ts';
import { CelMachine } from './cel-meter.ts';

/**
 * A compiled CEL expression that yields a boolean.
 *
 * @param budget what it shares with other expressions
 * @throws CelError when it yields something else, fails on these values, or costs too much
 */
export type Predicate = (variables: Record<string, unknown>, budget?: CelBudget) => boolean;

/** Longest expression, in characters. */
export const maxCelLength = 4096;
/** Steps of the costliest evaluation, some milliseconds. */
export const maxCelCost = 50_000;
/** Estimated steps above which an expression is refused unread: a nesting of four lists. */
const maxCelEstimate = 2_000_000;

/**
 * A compiled CEL expression that yields any value.
 *
 * @param budget what it shares with other expressions
 * @throws CelError when it fails on these values, or costs too much
 */
export type Computation = (variables: Record<string, unknown>, budget?: CelBudget) => unknown;

interface Program extends CelCost {
  /** What it yields, as far as that is known before. */
  type?: string;
  machine: CelMachine;
  metered: ParseResult;
}

/** Compiled expressions of this process, by their text: objects that are stored again bring the same ones. */
let programs: LruBytes<Program> | undefined;
const machines = new Map<string, CelMachine>();

/** What an expression keeps in memory, compared with its length. */
const memoryFactor = 100;

/** Most expressions of one field, and their characters together. */
const maxExpressions = 100;
const maxTotalLength = 32_768;

/**
 * Bounds what the expressions of one object may hold together.
 *
 * @throws StalledError InvalidCELExpression
 */
export function checkCelCount(expressions: readonly string[], field: string): void {
  const length = expressions.reduce((sum, expression) => sum + expression.length, 0);
  if (expressions.length <= maxExpressions && length <= maxTotalLength) return;
  throw new StalledError(
    'InvalidCELExpression',
    `${field} holds ${expressions.length} CEL expressions of ${length} characters: at most ${maxExpressions} of ${maxTotalLength} together are allowed`,
  );
}

function programOf(expression: string, variables: readonly string[] | undefined): Program {
  programs ??= new LruBytes<Program>(16 * 2 ** 20);
  const scope = variables?.join(' ') ?? '*';
  const key = `${scope}: ${expression}`;
  const known = programs.get(key);
  if (known !== undefined) return known;
  const machine = machines.get(scope) ?? new CelMachine(variables);
  machines.set(scope, machine);
  const program = compileProgram(machine, expression);
  programs.set(key, program, key.length * memoryFactor);
  return program;
}

function compileProgram(machine: CelMachine, expression: string): Program {
  if (expression.length > maxCelLength)
    throw new RangeError(`it is longer than ${maxCelLength} characters`);
  const { metered, ast, type } = machine.parse(expression);
  const cost = celCost(ast);
  if (cost.estimate > maxCelEstimate)
    throw new RangeError('it may cost too much: nest fewer all, exists, map and filter');
  return { machine, metered, type, ...cost };
}

/**
 * Compiles a CEL expression, or finds it compiled.
 *
 * @param field where it stands, for messages
 * @param variables the names that it may use; any, unless told
 * @throws StalledError InvalidCELExpression when it cannot be read, or is estimated to cost too much
 * @see docs/adr/0033-cel-cost.md
 */
export function compileCel(
  expression: string,
  field: string,
  variables?: readonly string[],
): Predicate {
  const program = compile(expression, field, { variables, isPredicate: true });
  return (values, budget) => {
    const result = evaluate(program, values, { field, expression, budget });
    if (typeof result !== 'boolean') throw new CelError('not-boolean', { field });
    return result;
  };
}

/**
 * Compiles a CEL expression that may yield any value, or finds it compiled.
 *
 * @param field where it stands, for messages
 * @param variables the names that it may use
 * @throws StalledError InvalidCELExpression when it cannot be read, or is estimated to cost too much
 */
export function compileCelValue(
  expression: string,
  field: string,
  variables: readonly string[],
): Computation {
  const program = compile(expression, field, { variables, isPredicate: false });
  return (values, budget) => evaluate(program, values, { field, expression, budget });
}

function compile(
  expression: string,
  field: string,
  { variables, isPredicate }: { variables?: readonly string[]; isPredicate: boolean },
): Program {
  try {
    const program = programOf(expression, variables);
    const { type } = program;
    if (isPredicate && type !== 'bool' && type !== 'dyn')
      throw new TypeError(`it must yield true or false, not a value of type ${type}`);
    return program;
  } catch (error) {
    throw new StalledError(
      'InvalidCELExpression',
      `${field} is no valid CEL expression: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

function evaluate(
  { machine, metered, charges }: Program,
  values: Record<string, unknown>,
  { field, expression, budget }: { field: string; expression: string; budget?: CelBudget },
): unknown {
  const limit = Math.max(0, Math.min(maxCelCost, budget?.left ?? maxCelCost));
  const onEnd = (steps: number) => budget?.spend(steps);
  try {
    return machine.evaluate(metered, values, { limit, charges, onEnd });
  } catch (error) {
    if (error instanceof CostExceeded) throw new CelError('cost-limit', { field, cause: error });
    throw new CelError(kindOf(error), { field, part: partOf(error, expression) });
  }
}

/** The library's message goes on with a drawing of several lines. */
function reasonOf(error: unknown): string {
  const { summary } = error as { summary?: unknown };
  return typeof summary === 'string' ? summary : errorMessage(error);
}

function kindOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code.replaceAll('_', '-') : 'internal';
}

/** The text of the expression at which the library stopped; its message may hold values. */
function partOf(error: unknown, expression: string): string | undefined {
  const { node } = error as { node?: ASTNode };
  if (node === undefined) return undefined;
  const shift = node.input?.indexOf(expression) ?? 0;
  return expression.slice(node.start - shift, node.end - shift);
}
