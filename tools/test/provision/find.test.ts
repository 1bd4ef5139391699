import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findInstalled, versionFits } from '../../provision/find.ts';

describe('a version fits', () => {
  test.each([
    { output: 'Kubernetes v1.36.3', pinned: 'v1.36.1', fits: true },
    { output: 'Client Version: v1.36.0\nKustomize Version: v5.8.1', pinned: 'v1.36.3', fits: true },
    { output: 'nats-server: v2.15.0', pinned: 'v2.15.2', fits: true },
    {
      output: 'etcd Version: 3.7.9\nGit SHA: abc\nGo Version: go1.26.8',
      pinned: 'v3.7.3',
      fits: true,
    },
    { output: 'kwok version v0.8.0 (linux/amd64)', pinned: 'v0.8.0', fits: true },
    { output: 'v1.32.4-dispatcher', pinned: 'v1.36.3', fits: false },
    { output: 'v5.8.1', pinned: 'v5.80.1', fits: false },
    { output: 'built with go1.36.1', pinned: 'v1.36.3', fits: false },
    { output: 'v0.0.0-master', pinned: 'v1.36.3', fits: false },
    { output: '', pinned: 'v1.36.3', fits: false },
  ])('$output for $pinned: $fits', ({ output, pinned, fits }) => {
    expect(versionFits(output, pinned)).toBe(fits);
  });
});

describe('an installed tool', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-find-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function install(folder: string, script: string): Promise<string> {
    await mkdir(join(dir, folder), { recursive: true });
    const path = join(dir, folder, 'kustomize');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  test('is passed over when its version differs, in favour of a later one on PATH that fits', async () => {
    const old = await install('old', 'echo v4.0.0');
    const right = await install('right', 'echo v5.8.9');
    const env = { PATH: `${join(old, '..')}:${join(right, '..')}` };
    expect(await findInstalled('kustomize', 'v5.8.1', env)).toBe(right);
  });

  test('is taken from KUBEBUILDER_ASSETS first', async () => {
    const asset = await install('assets', 'echo v5.8.1');
    const other = await install('path', 'echo v5.8.1');
    const env = { PATH: join(other, '..'), KUBEBUILDER_ASSETS: join(asset, '..') };
    expect(await findInstalled('kustomize', 'v5.8.1', env)).toBe(asset);
  });

  test('is passed over when it fails', async () => {
    const broken = await install('broken', 'echo v5.8.1; exit 1');
    expect(
      await findInstalled('kustomize', 'v5.8.1', { PATH: join(broken, '..') }),
    ).toBeUndefined();
  });
});
