import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditRecord } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { auditSubject, connectBus } from '@sluice/shared/bus';
import { startNats, temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliBed, startCliBed } from '../cli-bed.ts';

let bed: CliBed;
let nats: Awaited<ReturnType<typeof startNats>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  bed = await startCliBed();
  folder = await temporaryFolder('audit');
  nats = await startNats();
  const bus = connectBus({ url: nats.url, name: 'test', owns: ['audit'], logger: silentLogger });
  await bus.ready();
  const object = { kind: 'Kustomization', namespace: bed.namespace, name: 'web', uid: '1' };
  const base = {
    time: '2026-03-01T10:00:00Z',
    object,
    who: { controller: 'kustomize-controller' },
  };
  const records: AuditRecord[] = [
    {
      ...base,
      id: 'a.begins',
      action: 'apply',
      phase: 'begins',
      revision: 'main@sha1:4f1c',
      what: { objects: [{ kind: 'ConfigMap', name: 'x\u001b[2J', action: 'created' }], count: 9 },
    },
    {
      ...base,
      id: 'b.noted',
      action: 'override',
      phase: 'noted',
      who: { controller: 'kustomize-controller', users: ['ada'] },
      why: { text: 'outage 7' },
    },
  ];
  for (const data of records) {
    await bus.publish({ subject: auditSubject('sluice', object), data, id: data.id });
  }
  await bus.close();
});
afterAll(async () => {
  await nats?.stop();
  await folder?.remove();
});

describe('audit', () => {
  test('lists what was done to an object, the newest first', async () => {
    const { code, out, notes } = await bed.run(['audit', 'ks', 'web', '--nats-url', nats.url]);
    expect({ code, notes }).toEqual({ code: 0, notes: '' });
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    const time = '2026-03-01T10:00:00Z';
    expect(rows).toEqual([
      ['TIME', 'ACTION', 'PHASE', 'RESULT', 'REVISION', 'WHO', 'WHAT', 'WHY'],
      [time, 'override', 'noted', '-', '-', 'ada', '-', 'outage 7'],
      [
        time,
        'apply',
        'begins',
        '-',
        'main@sha1:4f1c',
        'kustomize-controller',
        '9 objects: ConfigMap/x created',
        '-',
      ],
    ]);
  });

  test('prints data, as much as is asked for', async () => {
    const args = ['audit', 'ks', 'web', '--nats-url', nats.url, '--limit', '1', '-o', 'json'];
    const { code, out } = await bed.run(args);
    expect(code).toBe(0);
    const { items } = JSON.parse(out) as { items: AuditRecord[] };
    expect(items.map(({ id }) => id)).toEqual(['b.noted']);
  });

  test('says that there is nothing', async () => {
    const { code, out, notes } = await bed.run(['audit', 'hr', 'web', '--nats-url', nats.url]);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(notes).toContain(`There are no records of HelmRelease ${bed.namespace}/web.`);
  });

  test('says what is missing or wrong, and no password', async () => {
    const none = await bed.run(['audit', 'ks', 'web']);
    expect(none.code).toBe(1);
    expect(none.notes).toContain('audit needs --nats-url');
    const password = join(folder.path, 'password');
    await writeFile(password, 'swordfish');
    const url = nats.url.replace('://', '://user:swordfish@');
    const cases = [
      [['--nats-url', url], '--nats-url holds credentials'],
      [['--nats-url', nats.url, '--nats-password-file', password], 'belong together'],
      [['--nats-url', nats.url, '--limit', '0'], "--limit '0' is no number"],
    ] as const;
    for (const [args, message] of cases) {
      const { code, notes } = await bed.run(['audit', 'ks', 'web', ...args]);
      expect(code).toBe(1);
      expect(notes).toContain(message);
      expect(notes).not.toContain('swordfish');
    }
  });
});
