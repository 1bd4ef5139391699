/** What stops a command, in words for the user; the program ends with the exit code 1. */
export class CliError extends Error {
  override name = 'CliError';
}

/** Arguments that cannot be used as given. The message names the argument and the fix. */
export class UsageError extends CliError {
  override name = 'UsageError';
}
