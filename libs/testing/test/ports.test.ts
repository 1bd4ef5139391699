import { freePorts } from '@sluice/testing';
import { expect, onTestFinished, test, vi } from 'vitest';

test('two workers never draw the same port', async () => {
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const drawnBy = (worker: string) => {
    vi.stubEnv('VITEST_POOL_ID', worker);
    return freePorts(300);
  };
  const [one, two] = [await drawnBy('1'), await drawnBy('2')];
  expect(new Set([...one, ...two]).size).toBe(600);
});
