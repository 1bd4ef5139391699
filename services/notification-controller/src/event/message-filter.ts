import { errorMessage } from '@sluice/shared/base';
import { RE2JS } from 're2js';

/** A field of an Alert that cannot be used as it is. */
export interface FilterProblem {
  /** Such as `spec.inclusionList[0]`. */
  field: string;
  problem: string;
}

/** Decides by the message whether an event is sent. */
export interface MessageFilter {
  accepts(message: string): boolean;
  problems: FilterProblem[];
}

/**
 * Compiles the lists of an Alert. An expression that cannot be compiled matches nothing and is reported. Matching
 * takes time linear in the message, whatever the expression.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function messageFilter(lists: {
  inclusionList?: string[];
  exclusionList?: string[];
}): MessageFilter {
  const problems: FilterProblem[] = [];
  const inclusion = compileAll('spec.inclusionList', lists.inclusionList, problems);
  const exclusion = compileAll('spec.exclusionList', lists.exclusionList, problems);
  return {
    problems,
    accepts(message) {
      const matches = (expression: RE2JS) => expression.matcher(message).find();
      if (lists.inclusionList?.length && !inclusion.some(matches)) return false;
      return !exclusion.some(matches);
    },
  };
}

function compileAll(field: string, list: string[] = [], problems: FilterProblem[]): RE2JS[] {
  const compiled: RE2JS[] = [];
  for (const [index, expression] of list.entries()) {
    try {
      compiled.push(RE2JS.compile(expression));
    } catch (error) {
      problems.push({
        field: `${field}[${index}]`,
        problem: `'${expression}' is no Go regular expression: ${errorMessage(error)}`,
      });
    }
  }
  return compiled;
}
