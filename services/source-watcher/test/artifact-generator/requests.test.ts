import { type ArtifactGenerator, artifactGeneratorKind } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { requestsFor } from '../../src/artifact-generator/requests.ts';

const generator = (name: string, from = '@repo/apps/{app}/**'): ArtifactGenerator => ({
  apiVersion: `${artifactGeneratorKind.group}/v1beta1`,
  kind: 'ArtifactGenerator',
  metadata: { name: 'apps', namespace: 'apps' },
  spec: {
    sources: [{ alias: 'repo', kind: 'GitRepository', name: 'repo' }],
    pathPattern: '@repo/apps/{app}',
    artifacts: [{ name, copy: [{ from, to: '@artifact/{app}/' }] }],
  },
});
const found = (...apps: string[]) =>
  apps.map((app) => ({
    path: `apps/${app}`,
    captures: [['app', app]] as [string, string][],
  }));

describe('requestsFor', () => {
  test('names and labels are in small letters, paths as they are', () => {
    expect(requestsFor(generator('x-{app}'), found('Auth'))).toEqual([
      {
        name: 'x-auth',
        copy: [{ from: '@repo/apps/Auth/**', to: '@artifact/Auth/' }],
        revision: undefined,
        originRevision: undefined,
        labels: { app: 'auth' },
      },
    ]);
  });

  test.each([
    { name: 'x-{app}', apps: ['Auth', 'auth'], problem: "'apps/Auth' and 'apps/auth' both make" },
    { name: 'x', apps: ['a', 'b'], problem: "both make the name 'x'" },
    { name: '{app}', apps: ['.hidden'], problem: 'cannot be the value of a label' },
    { name: '{app}', apps: ['x'.repeat(64)], problem: 'cannot be the value of a label' },
    { name: '{app}', apps: ['a_b'], problem: "the name 'a_b', which no object can have" },
    { name: '{other}', apps: ['a'], problem: '{other}, which spec.pathPattern does not have' },
    { name: '{app', apps: ['a'], problem: 'a brace without its partner' },
  ])('$apps as $name stalls', ({ name, apps, problem }) => {
    const expand = () => requestsFor(generator(name), found(...apps));
    expect(expand).toThrow(StalledError);
    expect(expand).toThrow(problem);
  });

  test('a name of an object is no way out of the source', () => {
    const from = '@repo/apps/{app}/../../secret/**';
    const [request] = requestsFor(generator('{app}', from), found('a'));
    expect(request?.copy[0]?.from).toBe('@repo/apps/a/../../secret/**');
  });

  test('more than a thousand are refused', () => {
    const apps = Array.from({ length: 600 }, (_, at) => `a${at}`);
    const many = generator('{app}');
    const [artifact] = many.spec.artifacts;
    if (artifact) many.spec.artifacts = [artifact, { ...artifact, name: '{app}-2' }];
    expect(() => requestsFor(many, found(...apps))).toThrow('1200 artifacts, more than 1000');
  });
});
