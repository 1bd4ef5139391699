import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCanary, temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, configMaps, startBed } from './harness.ts';

const canary = 'c4n4ry-never-shown';
let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--no-remote-bases']);
});
afterAll(() => bed.stop());

/** Configurations of builtin plugins that read `target`, which are rewritten before they are used. */
const attacks: { name: string; field: string; config: object; path: string }[] = [
  {
    name: 'json-patch',
    field: 'transformers',
    config: {
      kind: 'PatchJson6902Transformer',
      target: { version: 'v1', kind: 'ConfigMap', name: 'victim' },
    },
    path: '/path',
  },
  {
    name: 'value-add',
    field: 'transformers',
    config: {
      kind: 'ValueAddTransformer',
      targets: [{ selector: { kind: 'ConfigMap' }, fieldPath: 'data/leak' }],
    },
    path: '/targetFilePath',
  },
  {
    name: 'generator',
    field: 'generators',
    config: { kind: 'ConfigMapGenerator', files: ['leak=here.txt'] },
    path: '/files/0',
  },
  { name: 'patch', field: 'transformers', config: { kind: 'PatchTransformer' }, path: '/path' },
];

test('no plugin whose configuration is rewritten reads the files of the controller, or connects', async () => {
  const folder = await temporaryFolder('canary');
  const token = join(folder.path, 'token');
  await writeFile(token, `token: ${canary}\n`);
  const listener = await startCanary();
  const targets = {
    file: token,
    parent: `${'../'.repeat(12)}${token.slice(1)}`,
    environment: '/proc/self/environ',
    url: `http://127.0.0.1:${listener.port}/x.yaml`,
  };
  try {
    for (const { name, field, config, path } of attacks) {
      for (const [what, target] of Object.entries(targets)) {
        const each = `${name}-${what}`;
        const value = path.startsWith('/files') ? `leak=${target}` : target;
        const plugin = { apiVersion: 'builtin', metadata: { name: 'plugin' }, ...config };
        const patch = JSON.stringify([{ op: 'add', path, value }]);
        await bed.publish(
          {
            'victim.yaml': configMap('victim', { a: 'b' }),
            'kustomization.yaml': JSON.stringify({ resources: ['victim.yaml'], [field]: ['p'] }),
            'p/kustomization.yaml': JSON.stringify({
              resources: ['plugin.yaml'],
              patches: [{ patch, target: { name: 'plugin' } }],
            }),
            'p/plugin.yaml': JSON.stringify(plugin),
            'p/here.txt': 'harmless',
          },
          'r1',
          each,
        );
        await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: each } }, each);
        const failed = await bed.failed('BuildFailed', each);
        expect(conditionOf(failed)?.message).not.toBe('');
        expect(JSON.stringify(failed)).not.toContain(canary);
      }
    }
    const { items } = await bed.client.list(configMaps, { namespace: bed.namespace });
    expect(
      JSON.stringify(items.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')),
    ).toBe('[]');
    for (const told of [JSON.stringify(bed.events), bed.log(), await bed.metrics()]) {
      expect(told).toContain('generator-environment');
      expect(told).not.toContain(canary);
    }
    expect(listener.reached()).toBe(0);
  } finally {
    await listener.close();
    await folder.remove();
  }
});
