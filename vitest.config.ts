import { defineConfig } from 'vitest/config';

const folders = ['libs/*/test', 'services/*/test', 'tools/test', 'test'];
const clusterTests = folders.map((folder) => `${folder}/**/*.cluster.test.ts`);

// `*.cluster.test.ts` run against a real control plane, which is started only when one of them is selected.
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: folders.map((folder) => `${folder}/**/*.test.ts`),
          exclude: clusterTests,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: clusterTests,
          globalSetup: ['tools/test/global-setup.ts'],
          setupFiles: ['tools/test/cluster-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
