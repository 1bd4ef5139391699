import { releaseTestCluster } from '@sluice/testing';
import { afterAll } from 'vitest';

// Runs before each cluster test file: what the file leaves in the shared cluster goes when it ends.
afterAll(releaseTestCluster);
