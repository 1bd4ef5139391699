import { WorkBudget } from '@sluice/shared/base';
import { functions } from './functions.ts';
import type { Command, Node, Operand, Pipeline } from './nodes.ts';
import { TemplateError } from './template-error.ts';
import {
  byKey,
  type Call,
  CallError,
  isTrue,
  noValue,
  printed,
  Struct,
  typeOf,
  type Value,
} from './values.ts';

/** Nodes that are looked at, and characters that functions read and make, in one rendering. */
const maxSteps = 10_000;
const maxCharacters = 1024 * 1024;
/** Characters of the result, which is as long as a message of an event may be. */
const maxResult = 64 * 1024;

/**
 * Carries a template out.
 *
 * @param text of the template, for the places in messages
 * @throws TemplateError when it cannot be carried out with this data; BudgetError when it takes too much
 */
export function evaluate(nodes: readonly Node[], data: Value, text: string): string {
  return new Evaluation(data, text).run(nodes);
}

class Evaluation {
  readonly #text: string;
  readonly #steps = new WorkBudget('the template', maxSteps);
  readonly #characters = new WorkBudget('the texts of the template', maxCharacters);
  readonly #result = new WorkBudget('the text that the template makes', maxResult);
  readonly #variables: { name: string; value: Value }[];
  readonly #data: Value;
  readonly #parts: string[] = [];

  constructor(data: Value, text: string) {
    this.#text = text;
    this.#data = data;
    this.#variables = [{ name: '', value: data }];
  }

  run(nodes: readonly Node[]): string {
    this.#list(nodes, this.#data);
    return this.#parts.join('');
  }

  #write(text: string): void {
    this.#result.take(text.length);
    this.#parts.push(text);
  }

  #list(nodes: readonly Node[], dot: Value): void {
    for (const node of nodes) {
      this.#steps.take(1);
      if (node.type === 'text') this.#write(node.text);
      else if (node.type === 'action') this.#action(node, dot);
      else this.#control(node, dot);
    }
  }

  #action({ pipeline, offset }: { pipeline: Pipeline; offset: number }, dot: Value): void {
    const value = this.#pipeline(pipeline, dot);
    if (pipeline.variables.length > 0) this.#set(pipeline, value);
    else this.#write(this.#guarded(offset, () => shown(value)));
  }

  #set({ variables, assigns }: Pipeline, value: Value): void {
    for (const name of variables) {
      const known = assigns ? this.#find(name) : undefined;
      if (known === undefined) this.#variables.push({ name, value });
      else known.value = value;
    }
  }

  #find(name: string) {
    return this.#variables.findLast((variable) => variable.name === name);
  }

  #control(node: Exclude<Node, { type: 'text' | 'action' }>, dot: Value): void {
    const known = this.#variables.length;
    const value = this.#pipeline(node.pipeline, dot);
    if (node.type === 'range') this.#range(node, value, dot);
    else {
      this.#set(node.pipeline, value);
      const holds = isTrue(value);
      const inner = node.type === 'with' && holds ? value : dot;
      this.#list(holds ? node.body : node.otherwise, inner);
    }
    this.#variables.length = known;
  }

  #range(
    { pipeline, body, otherwise, offset }: Exclude<Node, { type: 'text' | 'action' }>,
    value: Value,
    dot: Value,
  ): void {
    const items = itemsOf(value);
    if (items === undefined)
      this.#fail(offset, `range goes over lists and maps, not over ${typeOf(value)}`);
    const known = this.#variables.length;
    const names = pipeline.variables;
    for (const [key, item] of items) {
      const values = names.length === 2 ? [key, item] : [item];
      names.forEach((name, index) => {
        this.#variables.push({ name, value: values[index] as Value });
      });
      this.#steps.take(1);
      this.#list(body, item);
      this.#variables.length = known;
    }
    if (items.length === 0) this.#list(otherwise, dot);
  }

  #pipeline({ commands }: Pipeline, dot: Value): Value {
    const [first, ...more] = commands;
    return more.reduce(
      (value, command) => this.#command(command, dot, [value]),
      this.#command(first, dot, []),
    );
  }

  /** @param last what comes from the command before, if there is one */
  #command({ operands }: Command, dot: Value, last: Value[]): Value {
    const [first, ...others] = operands;
    if (first.type === 'function') return this.#call(first, others, dot, last);
    if (others.length > 0) this.#fail(first.offset, 'only a function can be given arguments');
    if (first.type === 'nil') this.#fail(first.offset, 'nil is not a value that can stand alone');
    return this.#operand(first, dot);
  }

  #operand(operand: Operand, dot: Value): Value {
    this.#steps.take(1);
    const { offset } = operand;
    switch (operand.type) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'literal':
        return operand.value;
      case 'field':
        return this.#fields(dot, operand.fields, offset);
      case 'variable':
        return this.#fields(this.#find(operand.name)?.value ?? null, operand.fields, offset);
      case 'function':
        return this.#call(operand, [], dot, []);
      case 'pipeline':
        return this.#fields(this.#pipeline(operand.pipeline, dot), operand.fields, offset);
    }
  }

  #fields(value: Value, fields: readonly string[], offset: number): Value {
    return fields.reduce((of, field) => this.#field(of, field, offset), value);
  }

  #field(value: Value, field: string, offset: number): Value {
    if (value instanceof Struct) {
      if (Object.hasOwn(value.fields, field)) return value.fields[field] as Value;
      const known = Object.keys(value.fields).join(', ');
      this.#fail(offset, `${value.type} has no field ${field}, only ${known}`);
    }
    if (value instanceof Map) return value.get(field) ?? noValue;
    if (value === noValue) return value;
    this.#fail(offset, `${typeOf(value)} has no field ${field}`);
  }

  #call(
    { name, offset }: Extract<Operand, { type: 'function' }>,
    operands: readonly Operand[],
    dot: Value,
    last: Value[],
  ): Value {
    const call = functions.get(name) as Call;
    const given = operands.map((operand) => () => this.#operand(operand, dot));
    const all = [...given, ...last.map((value) => () => value)];
    return this.#guarded(offset, () => {
      // Those two look at no more arguments than they need.
      const decides = name === 'and' ? false : name === 'or' ? true : undefined;
      if (decides !== undefined) return firstThat(decides, all);
      const values = all.map((argument) => argument());
      for (const value of values) this.#characters.take(sizeOf(value));
      const value = call(values, (count) => this.#characters.take(count));
      this.#characters.take(sizeOf(value));
      return value;
    });
  }

  #guarded<T>(offset: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof CallError) this.#fail(offset, error.message);
      throw error;
    }
  }

  #fail(offset: number, problem: string): never {
    throw new TemplateError(this.#text, offset, problem);
  }
}

/** The first value that holds or does not, or else the last one. */
function firstThat(holds: boolean, values: (() => Value)[]): Value {
  if (values.length === 0) throw new CallError('takes at least 1 argument');
  let value: Value = null;
  for (const next of values) {
    value = next();
    if (isTrue(value) === holds) return value;
  }
  return value;
}

/** How much of a value there is to read; what is made of maps and lists counts when it is made. */
function sizeOf(value: Value): number {
  return typeof value === 'string' ? value.length : 1;
}

function shown(value: Value): string {
  return value === noValue || value === null ? '<no value>' : printed(value);
}

function itemsOf(value: Value): [Value, string][] | undefined {
  if (value instanceof Map) return [...value].sort(byKey);
  if (Array.isArray(value)) return value.map((item: string, index) => [index, item]);
  return value === noValue ? [] : undefined;
}
