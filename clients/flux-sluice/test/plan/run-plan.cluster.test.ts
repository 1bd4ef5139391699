import { apiVersionOf, planKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CliBed,
  createHelmRelease,
  createKustomization,
  createPlan,
  createWaiting,
  digestA,
  digestB,
  exampleObjects,
  failedStatus,
  readyStatus,
  startCliBed,
} from '../cli-bed.ts';

let bed: CliBed;

beforeAll(async () => {
  bed = await startCliBed();
});

describe('plan', () => {
  test('prints objects, fields before and after, and what the plan waits for, and ends with 2', async () => {
    await createWaiting(bed, 'web');
    const { code, out, notes } = await bed.run(['plan', 'ks', 'web']);
    expect(code).toBe(2);
    expect(notes).toBe('');
    expect(out.split('\n')).toEqual([
      `Kustomization ${bed.namespace}/web: 1 to create, 2 to change, 1 to delete`,
      'Revision: main@sha1:4f2c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d',
      `Plan: ${digestA}`,
      'It waits for an Approval.',
      '',
      '  Delete   ConfigMap apps/old',
      '  Change   Deployment apps/web',
      '      .spec.replicas: 2 → 3',
      '      .metadata.labels.team: (unset) → "blue"',
      '      .metadata.labels.old: "x" → (removed)',
      '  Change   Secret apps/login',
      '      .data.password: "*****" → "*****"',
      '  Create   Service apps/web',
      '',
    ]);
  });

  test('says until when a plan waits, and how much did not fit', async () => {
    const held = { reason: 'Window', until: '2026-03-02T06:00:00Z' };
    await createWaiting(bed, 'later', { held, omitted: 12 });
    const { out } = await bed.run(['plan', 'kustomization/later']);
    expect(out).toContain('It waits for a Window, until 2026-03-02T06:00:00Z.\n');
    expect(out).toContain('12 more objects did not fit into the Plan.\n');
  });

  test('prints data in the format json, whole', async () => {
    const after = 'x'.repeat(500);
    const objects = [{ ...exampleObjects[1]!, changes: [{ path: '.spec.x', after }] }];
    await createWaiting(bed, 'data', { objects, digest: digestB });
    const { code, out } = await bed.run(['plan', 'ks', 'data', '-o', 'json']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({
      kind: 'Kustomization',
      namespace: bed.namespace,
      name: 'data',
      plan: {
        digest: digestB,
        revision: 'main@sha1:4f2c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d',
        create: 0,
        change: 1,
        delete: 0,
        objects,
      },
      held: { reason: 'Approval' },
    });
    const text = await bed.run(['plan', 'ks', 'data']);
    expect(text.out).toContain('…');
    expect(text.out).not.toContain(after);
  });

  test('prints a comment for a pull request in the format markdown', async () => {
    const { code, out } = await bed.run(['plan', 'ks', 'web', '--output', 'markdown']);
    expect(code).toBe(2);
    expect(out).toContain(`### Kustomization \`${bed.namespace}/web\`: 1 to create, 2 to change`);
    expect(out).toContain(
      ['```diff', '- Delete ConfigMap apps/old', '! Change Deployment apps/web'].join('\n'),
    );
    expect(out).toContain(['-     .spec.replicas: 2', '+     .spec.replicas: 3'].join('\n'));
  });

  test('of an object that is up to date ends with 0', async () => {
    const status = { ...readyStatus, lastAppliedRevision: 'main@sha1:0123' };
    await createKustomization(bed, { name: 'idle', status });
    const text = await bed.run(['plan', 'ks', 'idle']);
    expect(text).toEqual({
      code: 0,
      out: `Kustomization ${bed.namespace}/idle: nothing to change at main@sha1:0123\n`,
      notes: '',
    });
    const json = await bed.run(['plan', 'ks', 'idle', '-o', 'json']);
    expect(JSON.parse(json.out)).toMatchObject({ plan: null, held: null });
    const markdown = await bed.run(['plan', 'ks', 'idle', '-o', 'markdown']);
    expect(markdown.out).toBe(`### Kustomization \`${bed.namespace}/idle\`: nothing to change\n`);
  });

  test('does not take a failure or a new object for nothing to change', async () => {
    await createKustomization(bed, { name: 'broken', status: failedStatus('no such path') });
    await createHelmRelease(bed, { name: 'new' });
    const broken = await bed.run(['plan', 'ks', 'broken']);
    expect(broken).toMatchObject({ code: 1, out: '' });
    expect(broken.notes).toContain('is not known: it is not ready: no such path');
    const fresh = await bed.run(['plan', 'hr', 'new']);
    expect(fresh).toMatchObject({ code: 1, out: '' });
    expect(fresh.notes).toContain('it has not been looked at yet');
  });

  test('of an object that has changed since says so', async () => {
    const target = await createWaiting(bed, 'changed');
    const kind = { group: 'kustomize.toolkit.fluxcd.io', version: 'v1', kind: 'Kustomization' };
    const resource = { ...kind, plural: 'kustomizations', namespaced: true };
    await bed.client.patch(resource, target.metadata, { spec: { path: './x' } }, { type: 'merge' });
    const { code, notes } = await bed.run(['plan', 'ks', 'changed']);
    expect(code).toBe(2);
    expect(notes).toContain('has changed since: a new plan is on its way');
  });

  test('ends with 1 when there is no such object, or the arguments are wrong', async () => {
    const gone = await bed.run(['plan', 'ks', 'gone']);
    expect(gone.code).toBe(1);
    expect(gone.notes).toContain(`there is no Kustomization ${bed.namespace}/gone`);
    const cases = [
      [['plan', 'pod', 'x'], "KIND 'pod' is not known"],
      [['plan', 'ks'], 'plan takes KIND NAME, not 1 argument'],
      [['plan', 'ks', 'x', '--yes'], 'plan has no option --yes'],
      [['plan', 'ks', 'x', '-o', 'xml'], "--output 'xml' is not known to plan"],
      [['plna'], "there is no command 'plna'"],
    ] as const;
    for (const [args, message] of cases) {
      const result = await bed.run([...args]);
      expect(result.code).toBe(1);
      expect(result.notes).toContain(message);
    }
  });

  test('reads no Plan but that of the object and its namespace', async () => {
    const plan = await createPlan(bed, {
      targetRef: { kind: 'Kustomization', name: 'other' },
      digest: digestA,
      revision: 'r',
      objects: [],
    });
    const held = { reason: 'Approval' };
    await createKustomization(bed, { name: 'borrower', status: { ...readyStatus, plan, held } });
    const borrowed = await bed.run(['plan', 'ks', 'borrower']);
    expect(borrowed).toMatchObject({ code: 1, out: '' });
    expect(borrowed.notes).toContain('is changing just now');
    const url = `/apis/${apiVersionOf(planKind)}/namespaces/kube-system/plans/other`;
    const status = { ...readyStatus, plan: { ...plan, url }, held };
    await createKustomization(bed, { name: 'stranger', status });
    const { code, notes } = await bed.run(['plan', 'ks', 'stranger']);
    expect(code).toBe(1);
    expect(notes).toContain('names no Plan of its namespace');
    await bed.client.delete(resourceOf(planKind), { namespace: bed.namespace, name: 'other' });
    const gone = await bed.run(['plan', 'ks', 'borrower']);
    expect(gone.notes).toContain('other is gone: try again');
  });

  test('names the right that is missing', async () => {
    const { code, notes } = await bed.run(['plan', 'ks', 'web'], { user: 'nobody' });
    expect(code).toBe(1);
    expect(notes).toContain('User "nobody" cannot get resource "kustomizations"');
  });
});

describe('hostile content', () => {
  const evil = '\u001b]0;pwned\u0007\u001b[2Jx\u009b31m\u202etxt\r\n```\n<img src=x> @team | `y`';

  test('reaches no terminal, and does not end a block of Markdown', async () => {
    const objects = [
      {
        action: 'Change' as const,
        apiVersion: 'v1',
        kind: `Config${evil}`,
        name: evil,
        note: evil,
        changes: [{ path: evil, before: evil, after: { [evil]: evil } }],
      },
    ];
    await createWaiting(bed, 'evil', { objects });
    for (const output of ['text', 'json', 'markdown']) {
      const { code, out } = await bed.run(['plan', 'ks', 'evil', '-o', output]);
      expect(code).toBe(2);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
    const { out } = await bed.run(['plan', 'ks', 'evil', '-o', 'json']);
    expect(JSON.parse(out).plan.objects).toEqual(objects);
    const markdown = await bed.run(['plan', 'ks', 'evil', '-o', 'markdown']);
    const fence = /^(`{4,})diff$/m.exec(markdown.out)?.[1] ?? '';
    const [, inside, after] = markdown.out.split(fence);
    expect(inside).toContain('<img src=x>');
    expect(after).toBe('\n');
  });
});
