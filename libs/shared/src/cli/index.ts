// Command-line programs: the only way to start one.

export { endsWithin, LaterError, type OpenDataKey } from './data-key-answers.ts';
export { findProgram } from './find-program.ts';
export {
  createHelmRenderer,
  type HelmCapabilities,
  HelmError,
  type HelmLookup,
  type HelmRenderer,
} from './helm.ts';
export {
  createKustomize,
  type EncryptedFile,
  type Kustomize,
  type KustomizeCall,
  KustomizeError,
  type KustomizeSpec,
} from './kustomize.ts';
export {
  createProgramPool,
  type PoolCall,
  type ProgramPool,
  type ProgramPoolOptions,
} from './program-pool.ts';
export { ProgramError } from './program-worker.ts';
export { CommandError, isOverLimit, type RunOptions, runCommand } from './run.ts';
export { createSops, type Sops } from './sops.ts';
export { DataKeyError, SopsError, type SopsFile, type SopsFormat } from './sops-file.ts';
export type { DataKeyRequest, SopsKey } from './sops-key.ts';
export { createSpawner, type Spawner } from './spawner.ts';
