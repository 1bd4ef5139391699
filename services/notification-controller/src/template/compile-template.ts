import { LruBytes } from '@sluice/shared/base';
import { evaluate } from './evaluate.ts';
import { functions } from './functions.ts';
import type { Node } from './nodes.ts';
import { parse } from './parse.ts';
import { TemplateError } from './template-error.ts';
import type { Value } from './values.ts';

/** Characters of a template. */
const maxLength = 8 * 1024;

/** A template that can be carried out. */
export interface Template {
  /**
   * @throws TemplateError when it cannot be carried out with this data; BudgetError when it takes too much
   */
  render(data: Value): string;
}

const names: ReadonlySet<string> = new Set(functions.keys());

/** Templates by their text: they are used for each event. */
let templates: LruBytes<readonly Node[]> | undefined;

/**
 * Compiles a template in the supported subset of Go's text/template.
 *
 * @throws TemplateError with line and column of what is wrong or not supported
 * @see https://pkg.go.dev/text/template
 */
export function compileTemplate(text: string): Template {
  templates ??= new LruBytes<readonly Node[]>(4 * 2 ** 20);
  const nodes = templates.get(text) ?? read(text);
  templates.set(text, nodes, 200 + 50 * text.length);
  return { render: (data) => evaluate(nodes, data, text) };
}

function read(text: string): Node[] {
  if (text.length > maxLength) {
    throw new TemplateError(text, maxLength, `longer than ${maxLength} characters: shorten it`);
  }
  return parse(text, names);
}
