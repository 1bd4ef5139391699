import { FakeClock, parseJson, StalledError } from '@sluice/shared/base';
import { CelError, checkCelCount, compileCel } from '@sluice/shared/kube';
import { expect, test } from 'vitest';
import { CelBudget } from '../../src/kube/cel-budget.ts';

const numbers = Array.from({ length: 1000 }, (_, i) => i);
const long = 'a'.repeat(1_000_000);
const values = {
  generation: 3,
  data: { x: 'SECRET', long, tail: `b${'a'.repeat(500_000)}`, items: numbers },
  spec: { ports: [80, 443], ratio: 0.5, labels: { app: 'web', replicas: 2 } },
  status: { observedGeneration: 3, conditions: [{ type: 'Ready', status: 'True' }] },
};

test.each([
  'status.observedGeneration == generation',
  'generation + 1 == 4 && generation == 3.0 && generation > 2',
  'spec.ports == [80, 443] && 443 in spec.ports && !(8080 in spec.ports)',
  'spec.labels == {"app": "web", "replicas": 2}',
  'spec.ratio * 2.0 == 1.0',
  '[1.5, 2.0].exists(x, x + 0.5 == 2.5)',
  'spec.ports.map(p, p + 1) == [81, 444]',
  'status.conditions.filter(e, e.type == "Ready").all(e, e.status == "True")',
  'status.conditions.exists(e, e.nothing == 1 || e.type == "Ready")',
  '!has(spec.suspend) || !spec.suspend',
  'data.x.matches("^S.*T$") && !data.x.matches("^(E+)+$")',
  'data.long.contains("aab") == false && data.long.size() == 1000000',
  'data.items.all(x, x >= 0 && "xy".matches("a{5}|x"))',
  'timestamp("2023-01-01T00:00:00Z") < timestamp("2024-01-01T00:00:00Z")',
  'type(generation) == int',
])('holds: %s', (expression) => {
  expect(compileCel(expression, 'f')(values)).toBe(true);
});

test.each([
  'spec.n == 9007199254740993 && spec.n != 9007199254740992',
  'spec.n + 1 == 9007199254740994',
  'spec.all == [1, 9007199254740993] && 9007199254740993 in spec.all',
  'spec.all.exists(x, x == 9007199254740993)',
  'spec.all.map(x, x - 1)[1] == 9007199254740992',
  'spec.map == {"a": 9007199254740993}',
  'string(spec.n) == "9007199254740993" && type(spec.n) == int',
])('integers keep their digits: %s', (expression) => {
  const text = '{"n":9007199254740993,"all":[1,9007199254740993],"map":{"a":9007199254740993}}';
  expect(compileCel(expression, 'f')({ spec: parseJson(text) })).toBe(true);
});

test.each([
  { name: 'three nested lists', expression: 'L.all(a, L.all(b, L.all(c, true)))' },
  { name: 'errors that are dropped', expression: 'L.all(a, L.exists(b, a.foo == 1))' },
  { name: 'filters that make lists', expression: 'L.map(a, L.filter(b, b != a)).size() == 0' },
  { name: 'equal lists', expression: 'L.all(a, data.items == data.items)' },
  { name: 'membership', expression: 'L.all(a, (a + 5000) in data.items || true)' },
  {
    name: 'lists that double',
    expression:
      `${Array.from({ length: 20 }, (_, i) => `cel.bind(v${i + 1}, v${i} + v${i}, `).join('')}v20.size() > 0${')'.repeat(20)}`.replaceAll(
        'v0',
        'data.items',
      ),
  },
  { name: 'a search that backs up', expression: 'data.long.contains(data.tail)' },
  { name: 'a text in many pieces', expression: 'data.long.split("").size() > 0' },
  { name: 'pieces that make a text', expression: 'L.map(a, data.long).join("") == ""' },
  { name: 'a long separator', expression: 'L.map(a, "").join(data.long) == ""' },
  { name: 'a pattern over a long text', expression: 'data.long.matches("(a|b|c)*d")' },
  { name: 'a large pattern', expression: 'L.all(a, "x".matches("(a{100}){10}|x"))' },
  { name: 'many patterns', expression: 'L.all(a, "x".matches("x|a{900}|" + string(a)))' },
  {
    name: 'time zones',
    expression: 'L.all(a, timestamp("2023-01-01T00:00:00Z").getHours("Asia/Tokyo") >= 0)',
  },
])('an evaluation ends at its budget: $name', ({ expression }) => {
  const predicate = compileCel(expression.replaceAll('L.', 'data.items.'), 'f');
  expect(() => predicate(values)).toThrow(expect.objectContaining({ kind: 'cost-limit' }));
});

test.each([
  { name: 'syntax', expression: 'a ==', message: 'Unexpected token: EOF' },
  { name: 'types', expression: '1 == "a"', message: 'no such overload' },
  { name: 'no boolean', expression: '"a" + "b"', message: 'must yield true or false' },
  {
    name: 'four nested lists',
    expression: 'a.all(b, a.all(c, a.all(d, a.all(e, true))))',
    message: 'may cost too much',
  },
  { name: 'length', expression: `"${'a'.repeat(5000)}" == ""`, message: 'longer than 4096' },
  { name: 'depth', expression: `${'('.repeat(60)}true${')'.repeat(60)}`, message: 'maxDepth' },
  { name: 'our own macro', expression: 'metered(true)', message: 'no matching overload' },
  { name: 'a bracket too many', expression: 'true) || (true', message: 'Unexpected character' },
])('an expression is refused before it is evaluated: $name', ({ expression, message }) => {
  const compile = () => compileCel(expression, 'spec.f');
  expect(compile).toThrow(StalledError);
  expect(compile).toThrow(message);
  expect(compile).toThrow(/^spec\.f is no valid CEL expression: [^\n]*$/);
});

test('names that are not declared are found when the expression is read', () => {
  const compile = (expression: string) => compileCel(expression, 'f', ['self', 'dep']);
  expect(compile('dep.ready')({ self: {}, dep: { ready: true } })).toBe(true);
  expect(() => compile('dep.ready && other.ready')).toThrow('Unknown variable: other');
  expect(() => compile('[1].all(x, x == y)')).toThrow('Unknown variable: y');
});

test.each([
  { expression: 'data[data.x] == 1', kind: 'no-such-key' },
  { expression: 'data.foo.bar == data.x', kind: 'no-such-key' },
  { expression: 'has(data.foo.bar)', kind: 'no-such-key' },
  { expression: 'int(data.x) == 1', kind: 'int-conversion-error' },
  { expression: 'data.x > 1', kind: 'no-such-overload' },
  { expression: 'data.x', kind: 'not-boolean' },
  { expression: 'data.x.matches("(")', kind: 'invalid-regular-expression' },
  { expression: 'bool(data.x)', kind: 'bool-conversion-error' },
  { expression: 'timestamp(data.x) == timestamp(data.x)', kind: 'invalid-timestamp' },
])('an error says its kind and no value: $expression', ({ expression, kind }) => {
  let error: unknown;
  try {
    compileCel(expression, 'spec.f')(values);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CelError);
  expect(error).toMatchObject({
    kind,
    message: expect.stringMatching(/^spec\.f gave no answer: /),
  });
  expect(String(error)).not.toContain('SECRET');
  expect(String((error as Error).cause ?? '')).not.toContain('SECRET');
});

test('expressions of one object share a budget', async () => {
  const clock = new FakeClock();
  const budget = new CelBudget(clock);
  const before = budget.left;
  expect(compileCel('data.items.all(x, x >= 0)', 'f')(values, budget)).toBe(true);
  expect(budget.left).toBeLessThan(before - numbers.length);
  budget.spend(budget.left);
  expect(() => compileCel('generation == 3', 'f')(values, budget)).toThrow(
    expect.objectContaining({ kind: 'cost-limit' }),
  );
  await clock.advance(1000);
  expect(compileCel('generation == 3', 'f')(values, budget)).toBe(true);
});

test('the expressions of one object are bounded in number and length', () => {
  const field = 'spec.healthCheckExprs';
  expect(() => checkCelCount(Array(100).fill('true'), field)).not.toThrow();
  expect(() => checkCelCount(Array(101).fill('true'), field)).toThrow('101 CEL expressions');
  expect(() => checkCelCount(Array(10).fill('a'.repeat(4000)), field)).toThrow('40000 characters');
});
