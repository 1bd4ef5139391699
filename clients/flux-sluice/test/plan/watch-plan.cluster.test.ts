import { kustomizationKind, planKind } from '@sluice/shared/api';
import { createKubeClient, loadKubeConfig, resourceOf } from '@sluice/shared/kube';
import { expect, test } from 'vitest';
import { runCli } from '../../src/run.ts';
import { createWaiting, digestA, digestB, openBus, startCliBed } from '../cli-bed.ts';

test('plan --watch prints each new plan, and ends when the object is gone', async () => {
  const bed = await startCliBed();
  const { client, namespace } = bed;
  const resource = resourceOf(kustomizationKind);
  const target = await createWaiting(bed, 'web');
  const next = async () => {
    const key = { namespace, name: 'web' };
    await client.patch(resourceOf(planKind), key, { spec: { digest: digestB } }, { type: 'merge' });
    const status = { plan: { digest: digestB } };
    await client.patch(resource, key, { status }, { type: 'merge', subresource: 'status' });
  };
  const shown: string[] = [];
  let notes = '';
  const terminal = {
    out(text: string) {
      shown.push(/sha256:\w+/.exec(text)?.[0] ?? '');
      if (shown.length === 1) void next();
      else void client.delete(resource, target.metadata);
    },
    note(line: string) {
      notes += `${line}\n`;
    },
  };
  const args = ['plan', 'ks', 'web', '--watch', '--kubeconfig', bed.kubeconfigPath];
  const code = await runCli(args, {
    env: {},
    terminal,
    connect(invocation) {
      const own = createKubeClient(loadKubeConfig(invocation.kubeconfig));
      return { invocation, client: own, namespace, terminal, openBus, env: {}, now: Date.now };
    },
  });
  expect(shown).toEqual([digestA, digestB]);
  expect(code).toBe(1);
  expect(notes).toContain(`Kustomization ${namespace}/web is gone`);
});
