import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compileCacheEnvironment } from '@sluice/testing';
import { describe, expect, test } from 'vitest';

const programs = [
  { name: 'source-controller', ownFlag: '--storage-path' },
  { name: 'source-watcher', ownFlag: '--artifact-cache-size' },
  { name: 'kustomize-controller', ownFlag: '--concurrent-ssa' },
  { name: 'helm-controller', ownFlag: '--helm-renderer' },
  { name: 'notification-controller', ownFlag: '--receiverAddr' },
];

function run(name: string, args: string[]) {
  const entry = join(import.meta.dirname, '..', 'services', name, 'src/main.ts');
  return spawnSync(process.execPath, [entry, ...args], {
    encoding: 'utf8',
    env: compileCacheEnvironment(),
  });
}

describe.each(programs)('$name', ({ name, ownFlag }) => {
  test('--help shows the flags and exits 0', () => {
    const { status, stdout } = run(name, ['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('--nats-url string');
    expect(stdout).toContain(ownFlag);
  });

  test('a wrong flag is named, with exit code 1 and no stack', () => {
    const { status, stderr } = run(name, ['--concurrent=0']);
    expect(status).toBe(1);
    expect(stderr).toBe(`${name}: value '0' is not usable: --concurrent must be at least 1\n`);
  });

  test('a missing kubeconfig is named, with exit code 1', () => {
    const { status, stderr } = run(name, ['--kubeconfig=/no/such/file']);
    expect(status).toBe(1);
    expect(stderr).toContain('/no/such/file');
  });
});
