import { apiVersionOf, type Window, type WindowSpec, windowKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { testNamespace } from '@sluice/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CliBed, createKustomization, startCliBed } from '../cli-bed.ts';

let bed: CliBed;
let admins: string;

async function createWindow(
  namespace: string,
  { name, ...spec }: WindowSpec & { name: string },
): Promise<void> {
  const apiVersion = apiVersionOf(windowKind);
  const window: Window = { apiVersion, kind: 'Window', metadata: { name, namespace }, spec };
  await bed.client.create(resourceOf(windowKind), window);
}

// The program takes it for Sunday, 1 March 2026, 12:00 UTC.
beforeAll(async () => {
  bed = await startCliBed();
  admins = await testNamespace(bed.client, 'admins');
  const nights = { kind: 'Deny', schedule: '0 22 * * *', duration: '8h' } as const;
  const selector = { matchLabels: { tier: 'prod' } };
  const weekend = { kind: 'Deny', schedule: '0 0 * * 6', duration: '48h', selector } as const;
  await createWindow(bed.namespace, { name: 'nights', ...nights, timeZone: 'Europe/Berlin' });
  await createWindow(bed.namespace, { name: 'weekend', ...weekend });
  const noon = { kind: 'Deny', schedule: '0 12 * * *', duration: '1h' } as const;
  await createWindow(admins, { name: 'noon', ...noon });
  await createKustomization(bed, { name: 'web', labels: { tier: 'prod' } });
  await createKustomization(bed, { name: 'lab' });
});

describe('windows', () => {
  test('lists those of the namespace, and whether they are open', async () => {
    const { code, out, notes } = await bed.run(['windows']);
    expect({ code, notes }).toEqual({ code: 0, notes: '' });
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    const { namespace } = bed;
    expect(rows).toEqual([
      ['NAMESPACE', 'NAME', 'KIND', 'SCHEDULE', 'DURATION', 'TIME ZONE', 'OPEN', 'UNTIL'],
      [
        namespace,
        'nights',
        'Deny',
        '0 22 * * *',
        '8h',
        'Europe/Berlin',
        'False',
        '2026-03-01T21:00:00Z',
      ],
      [namespace, 'weekend', 'Deny', '0 0 * * 6', '48h', 'UTC', 'True', '2026-03-02T00:00:00Z'],
    ]);
  });

  test('lists those that are for an object, and ends with 2 while they hold its changes', async () => {
    const held = await bed.run(['windows', 'ks', 'web']);
    expect(held.code).toBe(2);
    // The nights follow upon the weekend.
    expect(held.notes).toContain(
      `Window '${bed.namespace}/weekend' holds changes until 2026-03-02T05:00:00Z`,
    );
    const free = await bed.run(['windows', 'ks/lab']);
    expect(free.code).toBe(0);
    expect(free.out).not.toContain('weekend');
    expect(free.notes).toContain('no Window holds changes now');
  });

  test('counts those of an administrator when told', async () => {
    const args = ['windows', 'ks', 'lab', '--cluster-windows-namespace', admins, '-o', 'json'];
    const { code, out } = await bed.run(args);
    expect(code).toBe(2);
    const { items, held } = JSON.parse(out) as { items: { name: string }[]; held: string };
    expect(items.map(({ name }) => name)).toEqual(['nights', 'noon']);
    expect(held).toContain(`'${admins}/noon'`);
  });

  test('says which cannot be read, and that it holds', async () => {
    const namespace = await testNamespace(bed.client, 'cli');
    await createWindow(namespace, {
      name: 'odd',
      kind: 'Allow',
      schedule: 'often',
      duration: '1h',
    });
    const { code, out, notes } = await bed.run(['windows', '-n', namespace]);
    expect(code).toBe(0);
    expect(out).toMatch(/odd .* Unknown {3}-\n$/);
    expect(notes).toContain('Window odd cannot be read: spec.schedule');
    const none = await bed.run(['windows', '-n', await testNamespace(bed.client, 'cli')]);
    expect(none).toMatchObject({ code: 0, out: '' });
    expect(none.notes).toContain('There are no Windows in');
  });
});
