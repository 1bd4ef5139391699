import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { toolPath } from '@sluice/testing';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, secrets, startBed } from './harness.ts';

type Data = KubeObject & { data?: Record<string, string> };

const page = join(import.meta.dirname, '../../../../docs/secrets.md');

/** The commands of the section, one script for each block. */
function commandsOfPage(): string[] {
  const [, section = ''] =
    /^### Change a key\n([\s\S]+?)^#/m.exec(readFileSync(page, 'utf8')) ?? [];
  // A comment is no heading: there is none in the blocks.
  return [...section.matchAll(/^```sh\n([\s\S]+?)^```/gm)].map(([, script = '']) => script);
}

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

test('a key is changed by the commands of the page on secrets, without a restart', async () => {
  const [addKey, encryptAgain, removeKey, ...others] = commandsOfPage();
  expect(others).toEqual([]);
  const dir = join(bed.dir, 'shop');
  mkdirSync(join(dir, 'secrets'), { recursive: true });
  const [old, next] = [await generateX25519Identity(), await generateX25519Identity()];
  const [oldRecipient, nextRecipient] = await Promise.all([old, next].map(identityToRecipient));
  writeFileSync(join(dir, 'main.agekey'), `${old}\n`);
  writeFileSync(join(dir, 'new.agekey'), `${next}\n`);
  const run = (script = '') => {
    const adjusted = script
      .replaceAll('-n shop ', `-n ${bed.namespace} `)
      .replaceAll('age1new…', nextRecipient ?? '')
      .replaceAll('age1old…', oldRecipient ?? '');
    expect(adjusted).not.toContain('…');
    const tools = ['sops', 'kubectl'].map((name) => dirname(toolPath(name as 'sops' | 'kubectl')));
    execFileSync('bash', ['-euo', 'pipefail', '-c', adjusted], {
      cwd: dir,
      stdio: 'pipe',
      env: {
        HOME: dir,
        KUBECONFIG: bed.kubeconfigPath,
        PATH: [...tools, process.env['PATH']].join(delimiter),
      },
    });
  };
  const file = join(dir, 'secrets', 'database.yaml');
  const plain =
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: database\nstringData:\n  password: of-old\n';
  writeFileSync(file, plain);
  const args = ['encrypt', '--in-place', `--age=${oldRecipient}`];
  const regex = '--encrypted-regex=^(data|stringData)$';
  execFileSync(toolPath('sops'), [...args, regex, file], { env: { HOME: dir } });
  const publish = (revision: string) =>
    bed.publish({ 'database.yaml': readFileSync(file, 'utf8') }, revision);

  const name = 'sops-keys';
  await bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: bed.namespace,
      labels: { 'reconcile.fluxcd.io/watch': 'Enabled' },
    },
    stringData: { 'main.agekey': old },
  } as never);
  await publish('r1');
  const before = readFileSync(file, 'utf8');
  await bed.apply({ decryption: { provider: 'sops', secretRef: { name } } });
  await bed.ready('r1');

  run(addKey);
  run(encryptAgain);
  const after = readFileSync(file, 'utf8');
  expect([after.includes(oldRecipient ?? ''), after.includes(nextRecipient ?? '')]).toEqual([
    false,
    true,
  ]);
  await publish('r2');
  await bed.ready('r2');
  run(removeKey);
  const key = { namespace: bed.namespace, name };
  const { data } = await bed.client.get<Data>(secrets, key);
  expect(Object.keys(data ?? {})).toEqual(['new.agekey']);
  // What Git has of before is of no use any more.
  await bed.publish({ 'database.yaml': before }, 'r3');
  const failed = await bed.failed('BuildFailed');
  expect(conditionOf(failed)?.message).toContain(
    `age key ${oldRecipient}: no age key at hand fits`,
  );
  await publish('r4');
  await bed.ready('r4');
});
