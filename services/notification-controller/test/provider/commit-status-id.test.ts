import { expect, test } from 'vitest';
import { commitStatusId } from '../../src/provider/commit-status-id.ts';
import { UnusableProviderError } from '../../src/provider/delivery-error.ts';
import { alertOf, eventOf, providerOf } from '../objects.ts';

const uid = '49f68a5c-8c8d-4cb8-b3b1-5fcd2d5d3c8b';
const idWith = (commitStatusExpr?: string) =>
  commitStatusId(
    eventOf({ metadata: { cluster: 'prod' } }),
    providerOf({ type: 'github', commitStatusExpr }, { uid }),
    alertOf({}, { name: 'shop' }),
  );

test('the identifier is made of object and Provider unless told', () => {
  expect(idWith()).toBe('kustomization/web/49f68a5c');
});

test.each([
  { expression: "event.involvedObject.name + '/' + event.metadata.cluster", want: 'web/prod' },
  { expression: "alert.metadata.name + '/' + provider.metadata.uid", want: `shop/${uid}` },
  { expression: "event.involvedObject.kind.lowerAscii() + '/x'", want: 'kustomization/x' },
  { expression: "event.metadata.cluster == 'prod' ? 'a' : 'b'", want: 'a' },
])('$expression yields $want', ({ expression, want }) => {
  expect(idWith(expression)).toBe(want);
});

test.each([
  { name: 'cannot be read', expression: 'event.', says: 'no valid CEL expression' },
  { name: 'names something else', expression: 'secret.token', says: 'no valid CEL expression' },
  { name: 'fails', expression: 'event.metadata.missing', says: 'spec.commitStatusExpr' },
  { name: 'yields no text', expression: '1 + 1', says: 'yields no text' },
  { name: 'yields nothing', expression: "''", says: 'yields no text' },
])('an expression that $name is refused', ({ expression, says }) => {
  const act = () => idWith(expression);
  expect(act).toThrow(UnusableProviderError);
  expect(act).toThrow(says);
});
