import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, it } from 'vitest';
import { withoutUndeclared } from '../../../src/engine/apply/undeclared-fields.ts';
import { ApiError } from '../../../src/kube/api-error.ts';
import { deployment } from '../engine-objects.ts';

function refusal(...paths: string[]): ApiError {
  const lines = paths.map((path) => `${path}: field not declared in schema`);
  const list = lines.length === 1 ? lines[0] : `errors:\n${lines.map((l) => `  ${l}`).join('\n')}`;
  return new ApiError({
    status: 500,
    reason: '',
    message: `failed to create typed patch object (ns/a.b; apps/v1, Kind=Deployment): ${list}`,
    verb: 'PATCH',
    path: '/apis',
  });
}

type Fields = Record<string, unknown>;

describe('fields that the server does not know', () => {
  it('are left out, wherever they are', () => {
    const known = deployment('ns', 'a.b');
    const [app] = known.spec.template.spec.containers;
    const odd = {
      ...known,
      'odd.field': true,
      spec: {
        ...known.spec,
        bogus: { deep: 1 },
        template: {
          ...known.spec.template,
          spec: {
            containers: [
              { name: 'other', image: 'x', nope: 1 },
              { ...app, nope: 1, ports: [{ containerPort: 80, 'x.y': 1 }] },
            ],
          },
        },
      },
    } as KubeObject;
    const error = refusal(
      '.odd.field',
      '.spec.bogus',
      '.spec.template.spec.containers[name="app"].nope',
      '.spec.template.spec.containers[name="app"].ports[containerPort=80,protocol="TCP"].x.y',
    );
    const containers = [{ name: 'other', image: 'x', nope: 1 }, app];
    const left = structuredClone(known) as Fields & typeof known;
    Object.assign(left.spec.template.spec, { containers });
    expect(withoutUndeclared(odd, error)).toEqual(left);
    expect('bogus' in (odd as unknown as { spec: Fields }).spec).toBe(true);
  });

  it('are found when it names only one', () => {
    const object = { ...deployment('ns', 'a.b'), extra: 1 };
    expect(withoutUndeclared(object, refusal('.extra'))).toEqual(deployment('ns', 'a.b'));
  });

  it.each([
    { name: 'a path that leads nowhere', error: refusal('.spec.none.at.all') },
    { name: 'another list item', error: refusal('.spec.template.spec.containers[name="x"].image') },
    { name: 'another refusal', error: new Error('.spec.replicas: field not declared in schema') },
  ])('are not guessed from $name', ({ error }) => {
    expect(withoutUndeclared(deployment('ns', 'a.b'), error)).toBeUndefined();
  });
});
