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

test('a port is given out once, for what is to listen there may not have started yet', async () => {
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  vi.stubEnv('VITEST_POOL_ID', '3');
  const drawn = [...(await freePorts(150)), ...(await freePorts(150)), ...(await freePorts(150))];
  expect(new Set(drawn).size).toBe(450);
});
