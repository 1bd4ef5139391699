import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type KubeObject,
  kustomizationNameLabel,
  kustomizationNamespaceLabel,
} from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliBed, createHelmRelease, createKustomization, startCliBed } from '../cli-bed.ts';

let bed: CliBed;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;

const password = 'swordfish-4711';

function configMap(name: string, data: Record<string, string>): KubeObject {
  const labels = {
    [kustomizationNameLabel]: 'web',
    [kustomizationNamespaceLabel]: bed.namespace,
  };
  const metadata = { name, namespace: bed.namespace, labels };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as KubeObject;
}

/** Writes files as somebody has them who is about to open a pull request. */
async function files(name: string, texts: Record<string, string>): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(path);
  for (const [file, text] of Object.entries(texts)) await writeFile(join(path, file), text);
  return path;
}

function manifest(kind: string, name: string, fields: string): string {
  return `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${bed.namespace}\n${fields}`;
}

beforeAll(async () => {
  bed = await startCliBed();
  folder = await temporaryFolder('files');
  env = { PATH: dirname(toolPath('flux')), HOME: folder.path };
  const apply = (object: KubeObject) =>
    bed.client.apply(coreResources.configMaps, object, {
      fieldManager: 'kustomize-controller',
      force: true,
    });
  await apply(configMap('settings', { colour: 'blue', same: 'x' }));
  await apply(configMap('old', { a: 'b' }));
  await bed.client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'variables', namespace: bed.namespace },
    stringData: { password },
  } as KubeObject);
  const entries = ['settings', 'old'].map((name) => ({
    id: `${bed.namespace}_${name}__ConfigMap`,
    v: 'v1',
  }));
  await createKustomization(bed, {
    name: 'web',
    spec: { postBuild: { substituteFrom: [{ kind: 'Secret', name: 'variables' }] } },
    status: { inventory: { entries } },
  });
});
afterAll(() => folder?.remove());

describe('plan --path', () => {
  test('prints what applying local files would create, change and delete', async () => {
    const path = await files('change', {
      'settings.yaml': manifest('ConfigMap', 'settings', 'data:\n  colour: red\n  same: x\n'),
      'new.yaml': manifest('ConfigMap', 'new', 'data: {}\n'),
    });
    const { code, out, notes } = await bed.run(['plan', 'ks', 'web', '--path', path], { env });
    expect({ code, notes }).toEqual({ code: 2, notes: '' });
    const { namespace } = bed;
    expect(out.split('\n')).toEqual([
      `Kustomization ${namespace}/web: 1 to create, 1 to change, 1 to delete`,
      `Files: ${path}`,
      'It is what applying them to the cluster would do now.',
      '',
      `  Delete   ConfigMap ${namespace}/old`,
      `  Change   ConfigMap ${namespace}/settings`,
      '      .data.colour: "blue" → "red"',
      `  Create   ConfigMap ${namespace}/new`,
      '',
    ]);
    expect((await readdir(path)).sort()).toEqual(['new.yaml', 'settings.yaml']);
    const { items } = await bed.client.list(coreResources.configMaps, { namespace });
    const names = items.map(({ metadata }) => metadata.name);
    expect(names).toContain('old');
    expect(names).not.toContain('new');
  });

  test('ends with 0 when nothing would change', async () => {
    const path = await files('same', {
      'settings.yaml': manifest('ConfigMap', 'settings', 'data:\n  colour: blue\n  same: x\n'),
      'old.yaml': manifest('ConfigMap', 'old', 'data:\n  a: b\n'),
    });
    const args = ['plan', 'ks', 'web', '--path', path, '-o', 'json'];
    const { code, out } = await bed.run(args, { env });
    expect(code).toBe(0);
    const plan = { create: 0, change: 0, delete: 0, objects: [] };
    expect(JSON.parse(out)).toMatchObject({ files: path, plan });
  });

  test('shows no Secret: neither its values, nor in what variables are put into, nor what is encrypted', async () => {
    const encrypted = 'stringData:\n  key: ENC[AES256_GCM,data:abc,iv:d,tag:e,type:str]\n';
    const path = await files('secrets', {
      'settings.yaml': manifest('ConfigMap', 'settings', 'data:\n  colour: x-${password}\n'),
      'old.yaml': manifest('ConfigMap', 'old', 'data:\n  a: b\n'),
      'variables.yaml': manifest('Secret', 'variables', 'stringData:\n  password: other-secret\n'),
      'login.yaml': manifest(
        'Secret',
        'login',
        `${encrypted}sops:\n  mac: ENC[AES256_GCM,data:x]\n`,
      ),
    });
    const { code, out, notes } = await bed.run(
      ['plan', 'ks', 'web', '--path', path, '-o', 'markdown'],
      { env },
    );
    expect(code).toBe(2);
    expect(out).toContain('+     .data.colour: "x-*****"');
    expect(out).toContain('.data.password: "*****"');
    for (const secret of [password, 'other-secret', btoa('other-secret'), 'ENC[']) {
      expect(out + notes).not.toContain(secret);
    }
    expect(notes).toContain(`Secret/${bed.namespace}/login is encrypted and not compared.`);
  });

  test('says why files cannot be built', async () => {
    const path = await files('broken', { 'x.yaml': 'a: [\n' });
    const broken = await bed.run(['plan', 'ks', 'web', '--path', path], { env });
    expect(broken).toMatchObject({ code: 1, out: '' });
    expect(broken.notes).toContain('flux-sluice: flux build: ');
    const nowhere = await bed.run(['plan', 'ks', 'web', '--path', `${path}/x`], { env });
    expect(nowhere.code).toBe(1);
    expect(nowhere.notes).toContain(`--path '${path}/x' cannot be read`);
    const missing = await bed.run(['plan', 'ks', 'web', '--path', path]);
    expect(missing.code).toBe(1);
    expect(missing.notes).toContain('flux is not on PATH');
    await createHelmRelease(bed, { name: 'db' });
    const chart = await bed.run(['plan', 'hr', 'db', '--path', path], { env });
    expect(chart.code).toBe(1);
    expect(chart.notes).toContain('--path is for Kustomizations');
    const both = await bed.run(['plan', 'ks', 'web', '--path', path, '--watch'], { env });
    expect(both.notes).toContain('--watch and --path exclude each other');
  });
});
