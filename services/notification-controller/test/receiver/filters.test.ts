import type { KubeObject, ReceiverSpec } from '@sluice/shared/api';
import { CelError } from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';
import { compileFilters, filtersFor } from '../../src/receiver/filters.ts';
import type { WebhookFacts } from '../../src/receiver/webhook.ts';

const json = { 'content-type': 'application/json; charset=utf-8' };
const object: KubeObject = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'shop', namespace: 'apps', labels: { branch: 'main' } },
};
const body = { ref: 'refs/heads/main' };

function specOf(change: Partial<ReceiverSpec>): ReceiverSpec {
  return { type: 'generic', resources: [{ kind: 'GitRepository', name: 'shop' }], ...change };
}

function accepts(
  change: Partial<ReceiverSpec>,
  o: { headers?: Record<string, string>; body?: string; facts?: WebhookFacts } = {},
): boolean | undefined {
  const { headers = json, body: text = JSON.stringify(body), facts = {} } = o;
  const filter = filtersFor(specOf(change), { headers, body: Buffer.from(text) }, facts);
  return filter?.(0, object);
}

const entryWith = (filter: string): Partial<ReceiverSpec> => ({
  resources: [{ kind: 'GitRepository', name: 'shop', filter }],
});

describe('a webhook', () => {
  test('without filters asks for everything', () => {
    expect(accepts({})).toBeUndefined();
  });

  test.each([
    { expression: "req.ref == 'refs/heads/' + res.metadata.labels.branch", want: true },
    { expression: "req.ref == 'refs/heads/other'", want: false },
    { expression: "res.kind == 'GitRepository' && res.metadata.name == 'shop'", want: true },
  ])('with the filter $expression: $want', ({ expression, want }) => {
    expect(accepts({ resourceFilter: expression })).toBe(want);
    expect(accepts(entryWith(expression))).toBe(want);
  });

  test('needs both filters to hold', () => {
    expect(accepts({ resourceFilter: 'true', ...entryWith('false') })).toBe(false);
    expect(accepts({ resourceFilter: 'false', ...entryWith('true') })).toBe(false);
    expect(accepts({ resourceFilter: 'true', ...entryWith('true') })).toBe(true);
  });

  test('shows what its type makes of it, and the claims of its token', () => {
    const facts = { payload: { tag: '1.0' }, claims: { sub: 'x' } };
    expect(accepts({ resourceFilter: "req.tag == '1.0'" }, { facts })).toBe(true);
    expect(accepts({ type: 'generic-oidc', resourceFilter: "claims.sub == 'x'" }, { facts })).toBe(
      true,
    );
  });

  test('that is no JSON has nothing in it', () => {
    const resourceFilter = 'has(req.ref)';
    expect(accepts({ resourceFilter })).toBe(true);
    expect(accepts({ resourceFilter }, { headers: {} })).toBe(false);
    expect(() => accepts({ resourceFilter }, { body: 'x' })).toThrow('the body is no JSON');
  });

  test('on which a filter fails is not taken for one that it refuses', () => {
    expect(() => accepts({ resourceFilter: "req.missing == 'x'" })).toThrow(CelError);
    const costly = 'req.list.all(a, req.list.all(b, a + b > 0))';
    const list = JSON.stringify({ list: Array.from({ length: 2_000 }, (_, i) => i + 1) });
    expect(() => accepts({ resourceFilter: costly }, { body: list })).toThrow(CelError);
  });
});

test.each<{ name: string; change: Partial<ReceiverSpec>; says: string }>([
  {
    name: 'cannot be read',
    change: { resourceFilter: 'req.' },
    says: 'spec.resourceFilter is no valid CEL expression',
  },
  {
    name: 'yields no boolean',
    change: entryWith("'x'"),
    says: 'spec.resources[0].filter is no valid CEL expression',
  },
  {
    name: 'looks at claims of another type',
    change: { resourceFilter: 'claims.sub == "x"' },
    says: 'spec.resourceFilter is no valid CEL expression',
  },
  {
    name: 'is one of too many',
    change: {
      resources: Array.from({ length: 101 }, () => ({
        kind: 'GitRepository' as const,
        name: 'a',
        filter: 'true',
      })),
    },
    says: '101 CEL expressions',
  },
])('a filter that $name is refused', ({ change, says }) => {
  expect(() => compileFilters(specOf(change))).toThrow(says);
});
