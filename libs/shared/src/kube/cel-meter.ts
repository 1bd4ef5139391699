import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { LruBytes } from '@sluice/shared/base';
import { RE2JS } from 're2js';
import type { Charge } from './cel-cost.ts';
import { CostExceeded } from './cel-error.ts';
import { lengthOf, perStep, toCelDeep, toCelNumber, weightOf } from './cel-values.ts';

/** What the library hands to a macro: all of an evaluation but its first node goes through these two. */
interface Evaluator {
  run(node: ASTNode, context: unknown): unknown;
  tryEval(node: ASTNode, context: unknown): unknown;
}

interface TypeChecker {
  check(node: ASTNode, context: unknown): unknown;
}

/** Steps that the library takes to make an error which `||`, `&&` or a quantifier drops. */
const errorCost = 100;

/** Steps that a character, or an instruction, of a regular expression costs when it is compiled. */
const regexCost = 8;

/** The running evaluation. Evaluations are synchronous and never nest. */
interface Meter {
  left: number;
  charges: ReadonlyMap<ASTNode, Charge>;
  /** Lengths of the first of two values that are paid for together. */
  lengths: Map<ASTNode, number>;
}

const macro = 'metered';

/** Evaluates expressions step by step, each of which is paid for. */
export class CelMachine {
  readonly #plain: Environment;
  readonly #metered: Environment;
  readonly #instrumented = new WeakSet<Evaluator>();
  readonly #regexes = new LruBytes<RE2JS>(4 * 2 ** 20);
  #meter: Meter | undefined;

  /** @param variables names that expressions may use; any, unless told */
  constructor(variables?: readonly string[]) {
    const plain = new Environment({
      unlistedVariablesAreDyn: variables === undefined,
      homogeneousAggregateLiterals: false,
      limits: { maxAstNodes: 2000, maxDepth: 50 },
    });
    for (const name of variables ?? []) plain.registerVariable(name, 'dyn');
    this.#plain = plain;
    this.#metered = plain.clone().registerFunction(`${macro}(ast): dyn`, this.#expandMacro);
  }

  /** Parses an expression and checks its types; throws the library's errors. */
  parse(expression: string): { metered: ParseResult; ast: ASTNode; type?: string } {
    const { valid, type, error } = this.#plain.parse(expression).check();
    if (!valid) throw error;
    const metered = this.#metered.parse(`${macro}(${expression}\n)`);
    const [, [ast]] = metered.ast.args as [string, [ASTNode]];
    return { metered, ast, type };
  }

  /**
   * Evaluates what `parse` returned.
   *
   * @param o.limit steps after which it ends
   * @param o.onEnd told the steps that it took, also when it fails
   * @throws CostExceeded, and what the library throws
   */
  evaluate(
    metered: ParseResult,
    variables: Record<string, unknown>,
    o: { limit: number; charges: Meter['charges']; onEnd(steps: number): void },
  ): unknown {
    const meter: Meter = { left: o.limit, charges: o.charges, lengths: new Map() };
    this.#meter = meter;
    try {
      return metered(variables);
    } finally {
      this.#meter = undefined;
      o.onEnd(o.limit - meter.left);
    }
  }

  readonly #expandMacro = ({ args: [node] }: { args: [ASTNode] }) => ({
    typeCheck: (checker: TypeChecker, _macro: unknown, context: unknown) =>
      checker.check(node, context),
    evaluate: (evaluator: Evaluator, _macro: unknown, context: unknown) => {
      if (!this.#instrumented.has(evaluator)) this.#instrument(evaluator);
      return evaluator.run(node, context);
    },
    async: false,
  });

  #instrument(evaluator: Evaluator): void {
    const run = evaluator.run.bind(evaluator);
    const tryEval = evaluator.tryEval.bind(evaluator);
    evaluator.run = (node, context) => {
      this.#spend(1);
      const isMatch = node.op === 'rcall' && node.args[0] === 'matches';
      const value = isMatch ? this.#matches(evaluator, node, context) : run(node, context);
      return this.#paid(node, isAccess(node) ? toCelNumber(value) : value);
    };
    evaluator.tryEval = (node, context) => {
      const value = tryEval(node, context);
      if (value instanceof CostExceeded) throw value;
      if (value instanceof Error) this.#spend(errorCost);
      return value;
    };
    this.#instrumented.add(evaluator);
  }

  readonly #spend = (cost: number): void => {
    const meter = this.#meter;
    if (meter === undefined) throw new CostExceeded();
    const isOver = meter.left < cost;
    meter.left = isOver ? 0 : meter.left - cost;
    if (isOver) throw new CostExceeded();
  };

  #paid(node: ASTNode, value: unknown): unknown {
    const charge = this.#meter?.charges.get(node);
    if (charge === undefined) return value;
    if (charge.product === undefined && isSmall(value)) {
      this.#spend(charge.factor ?? 1);
      return value;
    }
    this.#spend(weightOf(value) * (charge.factor ?? 1));
    if (charge.product !== undefined) this.#payProduct(charge.product, lengthOf(value));
    return charge.deep ? toCelDeep(value, this.#spend) : value;
  }

  #payProduct(product: NonNullable<Charge['product']>, length: number): void {
    const lengths = this.#meter?.lengths;
    const other = lengths?.get(product.of);
    if (other === undefined) {
      lengths?.set(product.of, length);
      return;
    }
    lengths?.delete(product.of);
    this.#spend(Math.ceil((other * length) / product.perStep));
  }

  /** The library's own `matches` backtracks. */
  #matches(evaluator: Evaluator, node: ASTNode, context: unknown): boolean {
    const [, receiver, [pattern]] = node.args as [string, ASTNode, [ASTNode]];
    const values = [evaluator.run(receiver, context), evaluator.run(pattern, context)];
    const [text, source] = values;
    if (typeof text !== 'string' || typeof source !== 'string') {
      throw Object.assign(new TypeError('matches() needs two texts'), {
        code: 'no_matching_overload',
      });
    }
    const regex = this.#compileRegex(source);
    this.#spend(text.length * regex.programSize());
    return regex.matcher(text).find();
  }

  #compileRegex(source: string): RE2JS {
    const known = this.#regexes.get(source);
    if (known !== undefined) return known;
    this.#spend(source.length * regexCost);
    let regex: RE2JS;
    try {
      regex = RE2JS.compile(source);
    } catch (error) {
      const code = 'invalid_regular_expression';
      throw Object.assign(new Error('not a regular expression', { cause: error }), { code });
    }
    this.#spend(regex.programSize() * regexCost);
    this.#regexes.set(source, regex, regex.programSize() * 200);
    return regex;
  }
}

/** Whether a value is read in one step, whatever reads it. */
function isSmall(value: unknown): boolean {
  return typeof value === 'string' ? value.length < perStep : typeof value !== 'object';
}

/** Whether a node's value comes from outside: its numbers are those of an object. */
function isAccess(node: ASTNode): boolean {
  if (node.op !== 'id' && node.op !== '.' && node.op !== '[]') return false;
  const { checkedType } = node as { checkedType?: { kind?: string } };
  return checkedType?.kind !== 'primitive';
}
