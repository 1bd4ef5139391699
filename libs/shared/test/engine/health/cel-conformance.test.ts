import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { parseJson, StalledError } from '@sluice/shared/base';
import { evaluateHealth } from '@sluice/shared/engine';
import { CelError, compileCel } from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';

type Expression = string | null;

interface Conformance {
  objects: Record<string, KubeObject>;
  expressions: Record<string, [string, boolean | null][]>;
  refused: string[];
  lacking: string[];
  rules: [string, [Expression, Expression, Expression], string][];
}

// Read as objects of the API server are, so that numbers keep their digits.
const text = await readFile(join(import.meta.dirname, 'cel-conformance.json'), 'utf8');
const conformance = parseJson(text) as unknown as Conformance;

function objectNamed(name: string): KubeObject {
  const object = conformance.objects[name];
  if (object === undefined) throw new Error(`there is no object ${name}`);
  return object;
}

/** What an expression says of an object; null when it says nothing. */
function answer(expression: string, object: KubeObject): boolean | null {
  try {
    return compileCel(expression, 'f')({ ...object });
  } catch (error) {
    // What can never be answered is refused here when it is read.
    if (error instanceof CelError || error instanceof StalledError) return null;
    throw error;
  }
}

describe('expressions are answered as by Flux', () => {
  test.each(Object.entries(conformance.expressions))('about the object %s', (name, cases) => {
    const object = objectNamed(name);
    expect(cases.map(([expression]) => [expression, answer(expression, object)])).toEqual(cases);
  });

  test.each(conformance.refused)('%j is none', (expression) => {
    expect(() => compileCel(expression, 'f')).toThrow(StalledError);
  });

  test.each(conformance.lacking)('%s is not known here', (expression) => {
    expect(answer(expression, objectNamed('full'))).toBeNull();
  });
});

test.each(conformance.rules)('%s by %j is %s', (name, [inProgress, failed, current], status) => {
  const object = objectNamed(name);
  const { apiVersion, kind } = object;
  const entry = {
    apiVersion,
    kind,
    ...(inProgress !== null && { inProgress }),
    ...(failed !== null && { failed }),
    current: current ?? '',
  };
  expect(evaluateHealth(object, { field: 'spec.healthCheckExprs', exprs: [entry] }).status).toBe(
    status,
  );
});
