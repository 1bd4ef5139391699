import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tools/test/longest-first.ts';

const folders = ['clients/*/test', 'libs/*/test', 'services/*/test', 'tools/test', 'test'];
const named = (ending: string) => folders.map((folder) => `${folder}/**/*.${ending}.ts`);
// Limits for what never comes, far above what anything takes: a busy machine must not decide a test.
const common = {
  testTimeout: 150_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
};

// `*.cluster.test.ts` share a control plane, which is started only when one of them is selected; each
// `*.e2e.test.ts` starts a world of its own, after all others have ended. Unit tests keep two processors busy; cluster
// tests and a world wait for a good part of their time.
export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: named('test'),
          exclude: [...named('cluster.test'), ...named('e2e.test')],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'cluster',
          include: named('cluster.test'),
          globalSetup: ['tools/test/global-setup.ts'],
          setupFiles: ['tools/test/cluster-setup.ts'],
          sequence: { groupOrder: 1 },
          maxWorkers: 3,
        },
      },
      {
        test: {
          ...common,
          name: 'e2e',
          include: named('e2e.test'),
          globalSetup: ['tools/test/e2e-setup.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
