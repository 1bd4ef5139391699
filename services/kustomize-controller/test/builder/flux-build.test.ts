import { execFileSync } from 'node:child_process';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { parseYamlStream, ReconcileError } from '@sluice/shared/base';
import { createKustomize, type Kustomize } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBuild } from '../../src/builder/build.ts';
import { checkVariableName, substituteVariables } from '../../src/builder/substitute.ts';
import { labelObjects } from '../../src/kustomization/label.ts';
import { directoryWith } from './artifact.ts';
import { allCases, managedBy } from './corpus/all-cases.ts';
import type { BuildCase } from './corpus/case.ts';
import { filesOf, overlays } from './corpus/overlays.ts';
import { type Answer, fluxBuild } from './flux.ts';

let kustomize: Kustomize;
beforeAll(() => {
  kustomize = createKustomize({ binary: toolPath('kustomize-builder') });
});
afterAll(() => kustomize.close());

const call = { timeoutMs: 20_000, share: 'test' };

function objectOf({ spec }: BuildCase): Kustomization {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'app', namespace: 'team' },
    spec: {
      interval: '1m',
      prune: true,
      sourceRef: { kind: 'GitRepository', name: 'x' },
      ...spec,
    },
  };
}

async function substituted(objects: KubeObject[], one: BuildCase): Promise<KubeObject[]> {
  const { postBuild } = one.spec ?? {};
  if (postBuild === undefined) return objects;
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(postBuild.substitute ?? {})) {
    checkVariableName(name, 'spec.postBuild.substitute');
    variables.set(name, value.replaceAll('\n', ''));
  }
  const always = postBuild.substituteStrategy === 'Always';
  return substituteVariables(objects, { variables, strict: one.strict ?? false, always });
}

async function ours(one: BuildCase, object: Kustomization, root: string): Promise<Answer> {
  try {
    const { objects } = await runBuild(kustomize, { root, spec: object.spec }, call);
    return { objects: labelObjects(await substituted(objects, one), object) };
  } catch (error) {
    if (!(error instanceof ReconcileError)) throw error;
    return { refused: error.message };
  }
}

describe('a build is what `flux build kustomization` makes, in its order:', () => {
  test.each(allCases.filter(({ differs }) => differs === undefined))('$name', async (one) => {
    const root = await directoryWith(one.files);
    const object = objectOf(one);
    const answer = await ours(one, object, root);
    const dir = await directoryWith({});
    const theirs = await fluxBuild(object, { root, dir, strict: one.strict });
    if (one.refused) {
      expect({ answer, theirs }).toEqual({
        answer: { refused: expect.any(String) },
        theirs: { refused: expect.any(String) },
      });
    } else expect(answer).toEqual(theirs);
  });
});

test('what a build adds says that kustomize manages it, as the kustomize program does', async () => {
  const root = await directoryWith(filesOf(overlays[managedBy] ?? {}));
  const args = ['build', '--reorder=none', '--load-restrictor=LoadRestrictionsNone', `${root}/app`];
  const printed = execFileSync(toolPath('kustomize'), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { spec } = objectOf({ name: '', files: {}, spec: { path: 'app' } });
  const { objects } = await runBuild(kustomize, { root, spec }, call);
  expect(objects).toEqual(parseYamlStream(printed, 'kustomize'));
});

test('components of a path without manifests keep their namespace', async () => {
  const [one] = allCases.filter(({ name }) => name === 'a component where nothing else is');
  if (one === undefined) throw new Error('the case has another name');
  const root = await directoryWith(one.files);
  const { objects } = await runBuild(kustomize, { root, spec: objectOf(one).spec }, call);
  expect(objects.map(({ metadata }) => metadata)).toEqual([{ name: 'two-2' }]);
});
