// Command-line programs: the only way to start one.
export { findProgram } from './find-program.ts';
export {
  createHelmRenderer,
  type HelmCapabilities,
  HelmError,
  type HelmErrorKind,
  type HelmLookup,
  type HelmRenderer,
  type HelmRendererOptions,
  type HelmRenderOptions,
  type HelmRenderRequest,
} from './helm.ts';
export {
  createKustomize,
  type EncryptedFile,
  type Kustomize,
  type KustomizeCall,
  KustomizeError,
  type KustomizeInput,
  type KustomizeOptions,
  type KustomizeOutput,
  type KustomizeSpec,
} from './kustomize.ts';
export {
  createProgramPool,
  type PoolCall,
  type ProgramPool,
  type ProgramPoolOptions,
} from './program-pool.ts';
export { ProgramError } from './program-worker.ts';
export { CommandError, type RunOptions, type RunResult, runCommand } from './run.ts';
export {
  type CreateSopsOptions,
  createSops,
  type Sops,
  type SopsOptions,
} from './sops.ts';
export { SopsError, type SopsFile, type SopsFormat } from './sops-file.ts';
export { createSpawner, type RunCommand, type Spawner } from './spawner.ts';
