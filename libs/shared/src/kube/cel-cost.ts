import type { ASTNode } from '@marcbachmann/cel-js';

/** How the value of a node is paid for before the operation around it reads it, besides its length. */
export interface Charge {
  /** With all that is inside of it. */
  deep?: boolean;
  /** By the product of its length and that of the operation's other value: so many characters a step. */
  product?: { of: ASTNode; perStep: number };
  /** More steps, for operations that make more of a value than it is long. */
  factor?: number;
}

/** What is known about an expression without evaluating it. */
export interface CelCost {
  /** Steps of an evaluation, if each list of an object had 64 elements. */
  estimate: number;
  charges: ReadonlyMap<ASTNode, Charge>;
}

/** Elements that a list of an object is assumed to have. */
const assumedLength = 64;

const comprehensions = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const plainSearch = 4096;
/** Methods whose time or result grows with the product of two lengths, and how much of it costs a step. */
const products: Record<string, number> = {
  contains: plainSearch,
  indexOf: plainSearch,
  lastIndexOf: plainSearch,
  split: plainSearch,
  join: 64,
};
/** Methods whose result takes many times the memory of their receiver. */
const growing = new Set(['split', 'json', 'hex', 'base64']);
/** Methods that read a time in a time zone, which takes long. */
const zoned = /^get[A-Z]/;
const compared = new Set(['==', '!=', 'in']);

type Known = { steps: number; length: number };

/**
 * Estimates the cost of an expression, as Kubernetes does when it stores one, and says what its evaluation must count.
 *
 * @see https://kubernetes.io/docs/reference/using-api/cel/#resource-constraints
 */
export function celCost(root: ASTNode): CelCost {
  const charges = new Map<ASTNode, Charge>();
  return { estimate: walk(root, charges).steps, charges };
}

function sum(nodes: readonly ASTNode[], charges: Map<ASTNode, Charge>): Known {
  let steps = 1;
  let length = 0;
  for (const node of nodes) {
    const known = walk(node, charges);
    steps += known.steps;
    length += known.length;
  }
  return { steps, length };
}

function chargeAll(nodes: readonly ASTNode[], charge: Charge, charges: Map<ASTNode, Charge>): void {
  for (const node of nodes) charges.set(node, charge);
}

function walk(node: ASTNode, charges: Map<ASTNode, Charge>): Known {
  switch (node.op) {
    case 'value':
      return { steps: 1, length: typeof node.args === 'string' ? node.args.length : 1 };
    case 'id':
      return { steps: 1, length: assumedLength };
    case '.':
    case '.?':
      return { steps: 1 + walk(node.args[0], charges).steps, length: assumedLength };
    case 'rcall':
      return walkMethod(node, node.args, charges);
    case 'call':
      chargeAll(node.args[1], {}, charges);
      return sum(node.args[1], charges);
    case 'list':
      return { steps: sum(node.args, charges).steps, length: node.args.length };
    case 'map':
      return { steps: sum(node.args.flat(), charges).steps, length: node.args.length };
    case '!_':
    case '-_':
      return { steps: 1 + walk(node.args, charges).steps, length: 1 };
    default:
      return walkOperator(node.op, node.args, charges);
  }
}

function walkOperator(op: string, args: ASTNode[], charges: Map<ASTNode, Charge>): Known {
  if (compared.has(op)) chargeAll(args, { deep: true }, charges);
  else if (!['?:', '||', '&&'].includes(op)) chargeAll(args, {}, charges);
  const { steps, length } = sum(args, charges);
  return { steps, length: op === '+' || op === '?:' ? length : assumedLength };
}

function walkMethod(
  node: ASTNode,
  [name, receiver, args]: [string, ASTNode, ASTNode[]],
  charges: Map<ASTNode, Charge>,
): Known {
  const perStep = products[name];
  const product = perStep === undefined ? undefined : { of: node, perStep };
  charges.set(receiver, {
    product,
    deep: name === 'join',
    factor: growing.has(name) ? 16 : 1,
  });
  chargeAll(args, { product, factor: zoned.test(name) ? 1000 : 1 }, charges);
  if (!comprehensions.has(name) || args.length < 2) return sum([receiver, ...args], charges);
  // The first argument is the name of the variable.
  for (const arg of args) charges.delete(arg);
  const range = walk(receiver, charges);
  const body = sum(args.slice(1), charges);
  return { steps: range.steps + range.length * body.steps, length: range.length };
}
