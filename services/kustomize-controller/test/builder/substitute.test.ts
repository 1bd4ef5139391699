import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { substituteVariables } from '../../src/builder/substitute.ts';

describe('substituteVariables', () => {
  const substitute = async (object: object, variables: Record<string, string>, more = {}) => {
    const options = { variables: new Map(Object.entries(variables)), strict: false, always: false };
    const [result] = await substituteVariables([object as KubeObject], { ...options, ...more });
    return result;
  };
  const object = (data: object, metadata: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', ...metadata },
    data,
  });

  test.each([
    { name: 'a string', data: { v: '${a}' }, variables: { a: 'text' }, expected: { v: 'text' } },
    { name: 'a number', data: { v: '${a}' }, variables: { a: '3' }, expected: { v: 3 } },
    { name: 'a boolean', data: { v: '${a}' }, variables: { a: 'true' }, expected: { v: true } },
    {
      name: 'a list',
      data: { v: '${a}' },
      variables: { a: '[p, q]' },
      expected: { v: ['p', 'q'] },
    },
    {
      name: 'a quoted number',
      data: { v: '${q}${a}${q}' },
      variables: { a: '3', q: '"' },
      expected: { v: '3' },
    },
    { name: 'a key', data: { '${a}': '1' }, variables: { a: 'k' }, expected: { k: '1' } },
    {
      name: 'a text of several lines',
      data: { v: 'a ${a}\nb $${a}\n' },
      variables: { a: 'x: y' },
      expected: { v: 'a x: y\nb ${a}\n' },
    },
    { name: 'a default', data: { v: '${b:=c}' }, variables: { a: '1' }, expected: { v: 'c' } },
    {
      name: 'nothing without variables',
      data: { v: '${b:=c}' },
      variables: {},
      expected: { v: '${b:=c}' },
    },
  ])('gives $name', async ({ data, variables, expected }) => {
    expect(await substitute(object(data), variables as Record<string, string>)).toMatchObject({
      data: expected,
    });
  });

  test('always substitutes when told to', async () => {
    expect(await substitute(object({ v: '${b:=c}' }), {}, { always: true })).toMatchObject({
      data: { v: 'c' },
    });
  });

  test.each(['labels', 'annotations'])(
    'leaves objects alone that switch it off by %s',
    async (where) => {
      const off = { [where]: { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' } };
      expect(await substitute(object({ v: '${a}' }, off), { a: 'b' })).toMatchObject({
        data: { v: '${a}' },
      });
    },
  );

  test('names the object but no value when the result is broken', async () => {
    const run = substitute(object({ v: '${a}' }), { a: '*s3cr3t-canary' });
    await expect(run).rejects.toThrow(
      /substitution failed for ConfigMap 'x': the result is not valid YAML/,
    );
    await expect(run).rejects.not.toThrow(/canary/);
  });

  test.each([
    {
      name: 'an unset variable',
      script: 'echo "${HOME}/x"',
      message:
        "variable 'HOME' is not set (line 5 of the object): set it in spec.postBuild, write ${HOME:=default}, or $${HOME} to keep ${HOME}, as in a script",
    },
    {
      name: 'an expression of the shell alone',
      script: 'echo "${list[@]}"',
      message:
        "missing closing brace in '${list[@]}\"' (line 5 of the object): write $${ for a literal ${, as in a script",
    },
  ])('says how a script keeps $name, and where it stands', async ({ script, message }) => {
    const asked: string[] = [];
    const run = substituteVariables(
      [object({ 'run.sh': `#!/bin/sh\n${script}\n` }) as KubeObject],
      {
        variables: new Map([['a', 'b']]),
        strict: true,
        always: false,
        locate: async (expression, { metadata }) => {
          asked.push(`${expression} ${metadata.name}`);
          return 'apps/run.yaml:7';
        },
      },
    );
    await expect(run).rejects.toThrow(
      `post build substitution failed for ConfigMap 'x' (apps/run.yaml:7): ${message}`,
    );
    expect(asked).toEqual([expect.stringMatching(/^\$\{(HOME|list) x$/)]);
  });

  const x = (length: number) => 'x'.repeat(length);
  test.each([
    { name: 'a value within itself', text: '${v//x/${v}}', variables: { v: x(10_000) } },
    {
      name: 'expansions within each other',
      text: '${v//x/${v//x/${v//x/${v}}}}',
      variables: { v: x(300) },
    },
    { name: 'an empty pattern', text: '${v//${none}/${v}}', variables: { v: x(10_000) } },
    { name: 'a long value, often', text: '${v}'.repeat(40), variables: { v: x(100_000) } },
    {
      name: 'the length of a long value, often',
      text: '${#v}'.repeat(100),
      variables: { v: x(1e6) },
    },
    { name: 'a long default', text: '${none:=${v}${v}${v}${v}}', variables: { v: x(1e6) } },
    {
      name: 'a pattern that nearly matches everywhere',
      text: `\${v##*${x(500)}y}`,
      variables: { v: x(1e6) },
    },
    {
      name: 'a search that backs up',
      text: '${v/${p}/}',
      variables: { v: x(1e6), p: `y${x(400_000)}` },
    },
  ])('ends at its budget: $name', async ({ text, variables }) => {
    const run = substitute(object({ v: text }), variables as unknown as Record<string, string>);
    await expect(run).rejects.toThrow(
      /^post build substitution failed for ConfigMap 'x': (the substitution of an object takes more than 8000000 steps at '\$\{|the result is longer than)/,
    );
    await expect(run).rejects.not.toThrow(/xxx/);
  });

  test('has a budget for all objects of a build', async () => {
    const objects = Array.from({ length: 40 }, () => object({ v: '${v}${v}' }) as KubeObject);
    const variables = new Map([['v', x(1_000_000)]]);
    await expect(
      substituteVariables(objects, { variables, strict: false, always: false }),
    ).rejects.toThrow('the substitution of all objects takes more than 64000000 steps');
  });

  test('lets others have their turn between objects', async () => {
    const objects = Array.from({ length: 30 }, () => object({ v: '${v}' }) as KubeObject);
    const variables = new Map([['v', x(300_000)]]);
    let isDone = false;
    const run = substituteVariables(objects, { variables, strict: false, always: false }).then(
      () => {
        isDone = true;
      },
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    await run;
  });
});
