import type { HelmRelease } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import {
  releaseNameOf,
  releaseNamespaceOf,
  shortenName,
  storageNamespaceOf,
} from '../../src/release/name.ts';

function helmRelease(spec: Partial<HelmRelease['spec']>, name = 'web'): HelmRelease {
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name, namespace: 'apps' },
    spec: { interval: '1m', ...spec },
  } as HelmRelease;
}

// The long ones are those of Flux's own tests: the same names must come out.
test.each([
  { name: 'release-name', short: 'release-name' },
  { name: '', short: '' },
  { name: 'x'.repeat(53), short: 'x'.repeat(53) },
  {
    name: 'release-name-with-very-long-name-which-is-longer-than-53-characters',
    short: 'release-name-with-very-long-name-which-i-788ca0d0d7b0',
  },
  {
    name: 'another-release-name-with-very-long-name-which-is-longer-than-53-characters',
    short: 'another-release-name-with-very-long-name-7e72150d5a36',
  },
])('"$name" is shortened to "$short"', ({ name, short }) => {
  expect(shortenName(name)).toBe(short);
});

test.each([
  { name: 'its own name', spec: {}, release: 'web' },
  { name: 'spec.releaseName', spec: { releaseName: 'r', targetNamespace: 't' }, release: 'r' },
  { name: 'targetNamespace and its name', spec: { targetNamespace: 't' }, release: 't-web' },
])('a release is named after $name', ({ spec, release }) => {
  expect(releaseNameOf(helmRelease(spec))).toBe(release);
});

describe('a name that Helm refuses is refused', () => {
  test.each(['Web', 'a_b', '-a', 'a,owner=x', 'a.', 'a/b', `${'a'.repeat(39)}.${'b'.repeat(20)}`])(
    '%s',
    (releaseName) => {
      const name = () => releaseNameOf(helmRelease({ releaseName }));
      expect(name).toThrow(/is no name of a Helm release: set spec\.releaseName/);
      expect(name).toThrow(
        expect.objectContaining({ kind: 'stalled', reason: 'InvalidReleaseName' }),
      );
    },
  );
});

test('release and records go to the namespace of the object unless told', () => {
  const plain = helmRelease({});
  expect([releaseNamespaceOf(plain), storageNamespaceOf(plain)]).toEqual(['apps', 'apps']);
  const told = helmRelease({ targetNamespace: 't', storageNamespace: 's' });
  expect([releaseNamespaceOf(told), storageNamespaceOf(told)]).toEqual(['t', 's']);
});
