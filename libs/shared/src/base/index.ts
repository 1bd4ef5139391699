export { Alarm } from './alarm.ts';
export { ByteBudget } from './byte-budget.ts';
export {
  backoff,
  type Clock,
  FakeClock,
  jitter,
  maxDelayMs,
  systemClock,
  type Timer,
} from './clock.ts';
export {
  type DigestAlgorithm,
  digestAlgorithms,
  digestOfParts,
  digestOfText,
  formatDigest,
  isDigestAlgorithm,
  isTextDigestAlgorithm,
  parseDigest,
  sha256Hex,
  type TextDigestAlgorithm,
} from './digest.ts';
export { formatDuration, parseDuration } from './duration.ts';
export {
  errorMessage,
  ReconcileError,
  RetryableError,
  StalledError,
  WaitingError,
} from './errors.ts';
export {
  type ExactInteger,
  isExactInteger,
  isSameNumber,
  parseJson,
  toInteger,
} from './exact-integer.ts';
export { FairSlots } from './fair-slots.ts';
export {
  describeFlags,
  type FlagDescription,
  FlagError,
  type FlagSpec,
  type FlagSpecs,
  type FlagValues,
  flag,
  formatHelp,
  parseFlags,
} from './flags.ts';
export { formatGoFloat } from './go-float.ts';
export { createHasher, type Hasher } from './hasher.ts';
export { LruBytes, mapConcurrently, Semaphore, SingleFlight } from './keyed.ts';
export { cut, joinLines } from './lines.ts';
export { Listeners } from './listeners.ts';
export { createLogger, type Logger, logLevels, silentLogger } from './log.ts';
export { redactUrl, SecretMasker, secretMask } from './mask.ts';
export { isPlainMap, mergeMaps, type PlainMap } from './merge-maps.ts';
export { once } from './once.ts';
export { orAborted } from './or-aborted.ts';
export { parseTime } from './parse-time.ts';
export { printable } from './printable.ts';
export { RefusedWork, type Work } from './refused-work.ts';
export { TimeSlice } from './time-slice.ts';
export { readTokenFile } from './token-file.ts';
export { whenAborted } from './when-aborted.ts';
export { BudgetError, WorkBudget } from './work-budget.ts';
export {
  formatCanonicalYaml,
  parseYamlStream,
  YamlError,
  type YamlOptions,
  yamlFromJson,
} from './yaml.ts';
