import { parseJson } from '@sluice/shared/base';
import { runCommand } from '@sluice/shared/cli';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { onTestFinished } from 'vitest';
import type { Release, Values } from '../../src/release/release.ts';

/** Makes a temporary directory, removed after the test. */
export async function directory(): Promise<string> {
  const folder = await temporaryFolder('helm-test');
  onTestFinished(() => folder.remove());
  return folder.path;
}

/** Runs the real helm. Undefined when it fails. */
export async function helm(args: string[], cwd: string): Promise<string | undefined> {
  const result = await runCommand({
    file: toolPath('helm'),
    args,
    cwd,
    env: { HOME: cwd },
    timeoutMs: 30_000,
    maxOutputBytes: 10_000_000,
  });
  return result.exitCode === 0 ? result.stdout : undefined;
}

/** Returns the values that helm stores with a release for these arguments; undefined when it refuses them. */
export async function valuesByHelm(chart: string, args: string[]): Promise<Values | undefined> {
  const options = ['--dry-run=client', '-o', 'json'];
  const stdout = await helm(['install', 'x', '.', ...options, ...args], chart);
  return stdout === undefined ? undefined : ((parseJson(stdout) as Release).config ?? {});
}
