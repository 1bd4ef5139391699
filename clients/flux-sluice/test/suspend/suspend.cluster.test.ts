import {
  type HelmRelease,
  helmReleaseKind,
  suspendByAnnotation,
  suspendReasonAnnotation,
  suspendUntilAnnotation,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { beforeAll, expect, test } from 'vitest';
import { type CliBed, createHelmRelease, startCliBed } from '../cli-bed.ts';

let bed: CliBed;

beforeAll(async () => {
  bed = await startCliBed();
  await createHelmRelease(bed, { name: 'db' });
});

async function release(): Promise<HelmRelease> {
  const key = { namespace: bed.namespace, name: 'db' };
  return bed.client.get<HelmRelease>(resourceOf(helmReleaseKind), key);
}

test('suspend says why, by whom and until when', async () => {
  const args = ['suspend', 'hr', 'db', '--reason', 'migration', '--until', '2h'];
  const { code, out } = await bed.run(args);
  expect(code).toBe(0);
  expect(out).toContain('until 2026-03-01T14:00:00Z');
  const { spec, metadata } = await release();
  expect(spec.suspend).toBe(true);
  expect(metadata.annotations).toEqual({
    [suspendReasonAnnotation]: 'migration',
    [suspendByAnnotation]: expect.any(String),
    [suspendUntilAnnotation]: '2026-03-01T14:00:00Z',
  });
});

test('a suspension without an end takes that of an earlier one away', async () => {
  const { code, out } = await bed.run(['suspend', 'hr', 'db', '-o', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ kind: 'HelmRelease', name: 'db', suspend: true });
  const { metadata } = await release();
  expect(Object.keys(metadata.annotations ?? {})).toEqual([suspendByAnnotation]);
});

test('an end that is none, or over, is refused', async () => {
  for (const until of ['tomorrow', '2026-02-01T00:00:00Z', '-1h', '2026-13-01T00:00:00Z']) {
    const { code, notes } = await bed.run(['suspend', 'hr', 'db', `--until=${until}`]);
    expect(code, until).toBe(1);
    expect(notes).toContain(`--until '${until}'`);
  }
});

test('resume goes on, and takes the annotations away', async () => {
  const { code, out } = await bed.run(['resume', 'hr/db']);
  expect(code).toBe(0);
  expect(out).toBe(`HelmRelease ${bed.namespace}/db is resumed\n`);
  const { spec, metadata } = await release();
  expect(spec.suspend).toBe(false);
  expect(metadata.annotations ?? {}).toEqual({});
});
