import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OCIRepository } from '@sluice/shared/api';
import { expect } from 'vitest';
import { inFlux, kinds } from './objects.ts';
import type { CliStep } from './world.ts';

const source = 'https://git.example.com/shop';
const revision = `main@sha1:${'a'.repeat(40)}`;
const manifest = `apiVersion: v1
kind: ConfigMap
metadata: { name: from-registry, namespace: default }
data: { pushed: 'yes' }
`;

/** Artifacts that the program makes, before there is an object that reads them. */
export const pushSteps: CliStep[] = [
  {
    name: 'push, tag, list, diff and pull artifact work with one registry',
    async run(cli) {
      const path = await cli.folder('pushed', { 'settings.yaml': manifest });
      const artifact = `${cli.registry.ociUrl}/shop`;
      await cli.flux(
        ...['push', 'artifact', `${artifact}:v1`, `--path=${path}`, `--source=${source}`],
        ...[`--revision=${revision}`, '--annotations=com.example.team=shop', '--insecure-registry'],
      );
      await cli.flux('tag', 'artifact', `${artifact}:v1`, '--tag=latest');
      const listed = await cli.flux('list', 'artifacts', artifact);
      for (const text of [':v1', ':latest', source, revision]) expect(listed).toContain(text);
      await cli.flux('diff', 'artifact', `${artifact}:v1`, `--path=${path}`);
      const other = await cli.folder('other', { 'settings.yaml': manifest.replace('yes', 'no') });
      const { code } = await cli.run('diff', 'artifact', `${artifact}:v1`, `--path=${other}`);
      expect(code).not.toBe(0);
      const pulled = await cli.folder('pulled', { 'keep.txt': '' });
      await cli.flux('pull', 'artifact', `${artifact}:latest`, `--output=${pulled}`);
      expect(await readFile(join(pulled, 'settings.yaml'), 'utf8')).toBe(manifest);
    },
  },
];

/** What an OCIRepository makes of a pushed artifact. */
export const consumeSteps: CliStep[] = [
  {
    name: 'a pushed artifact is applied, and its annotations are in the artifact of the OCIRepository',
    async run(cli) {
      const { status } = (await cli.find<OCIRepository>(kinds.oci, inFlux('pushed'))) ?? {};
      expect(status?.artifact?.metadata).toMatchObject({
        'org.opencontainers.image.source': source,
        'org.opencontainers.image.revision': revision,
        'com.example.team': 'shop',
      });
      const applied = await cli.find(kinds.configMap, {
        namespace: 'default',
        name: 'from-registry',
      });
      expect(applied).toMatchObject({ data: { pushed: 'yes' } });
      expect(await cli.flux('trace', 'configmap', 'from-registry', '-n', 'default')).toMatch(
        new RegExp(`Origin Revision: ${revision}\nOrigin Source: +${source}`),
      );
    },
  },
];
