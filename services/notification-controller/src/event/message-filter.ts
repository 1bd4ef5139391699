import { errorMessage, LruBytes } from '@sluice/shared/base';
import { RE2JS } from 're2js';

/** A field of an Alert that cannot be used as it is. */
export interface FilterProblem {
  /** Such as `spec.inclusionList[0]`. */
  field: string;
  problem: string;
}

/** Decides by the message whether an event is sent. */
export interface MessageFilter {
  /** @param spend told the steps of each expression before it runs; what it throws ends the matching */
  accepts(message: string, spend?: (steps: number) => void): boolean;
  problems: FilterProblem[];
}

interface Lists {
  inclusionList?: string[];
  exclusionList?: string[];
}

/** Most expressions of an Alert, characters of one, and instructions of all that they are compiled to. */
const maxExpressions = 100;
const maxLength = 1024;
const maxInstructions = 5000;

/** Filters by the spec they were made of, which is another object when it changes. */
const filters = new WeakMap<Lists, MessageFilter>();

/**
 * Compiles the lists of an Alert, once. An expression that cannot be compiled matches nothing and is reported; an Alert
 * whose lists are over a limit wants nothing. Matching takes time linear in the message, whatever the expression.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function messageFilter(lists: Lists): MessageFilter {
  const known = filters.get(lists);
  if (known !== undefined) return known;
  const filter = compileFilter(lists);
  filters.set(lists, filter);
  return filter;
}

function compileFilter({ inclusionList = [], exclusionList = [] }: Lists): MessageFilter {
  const count = inclusionList.length + exclusionList.length;
  if (count > maxExpressions) {
    return unusable(`${count} expressions: at most ${maxExpressions} are allowed, combine some`);
  }
  const problems: FilterProblem[] = [];
  const inclusion = compileAll('spec.inclusionList', inclusionList, problems);
  const exclusion = compileAll('spec.exclusionList', exclusionList, problems);
  const size = [...inclusion, ...exclusion].reduce((sum, one) => sum + one.programSize(), 0);
  if (size > maxInstructions) {
    return unusable(
      `their expressions make ${size} instructions: at most ${maxInstructions} are allowed, use fewer counted repetitions`,
    );
  }
  return {
    problems,
    accepts(message, spend) {
      const matches = (expression: RE2JS) => {
        spend?.(expression.programSize() * message.length);
        return expression.matcher(message).find();
      };
      if (inclusionList.length > 0 && !inclusion.some(matches)) return false;
      return !exclusion.some(matches);
    },
  };
}

function unusable(problem: string): MessageFilter {
  const field = 'spec.inclusionList and spec.exclusionList';
  return { problems: [{ field, problem }], accepts: () => false };
}

/** Compiled expressions by their text: an Alert that is stored again brings the same ones. */
let expressions: LruBytes<RE2JS> | undefined;

function compile(expression: string): RE2JS {
  expressions ??= new LruBytes<RE2JS>(16 * 2 ** 20);
  const known = expressions.get(expression);
  if (known !== undefined) return known;
  const compiled = RE2JS.compile(expression);
  expressions.set(expression, compiled, 2000 + 500 * compiled.programSize());
  return compiled;
}

function compileAll(field: string, list: string[], problems: FilterProblem[]): RE2JS[] {
  const compiled: RE2JS[] = [];
  for (const [index, expression] of list.entries()) {
    const place = { field: `${field}[${index}]` };
    if (expression.length > maxLength) {
      problems.push({ ...place, problem: `longer than ${maxLength} characters: shorten it` });
      continue;
    }
    try {
      compiled.push(compile(expression));
    } catch (error) {
      const problem = `'${expression}' is no Go regular expression: ${errorMessage(error)}`;
      problems.push({ ...place, problem });
    }
  }
  return compiled;
}
