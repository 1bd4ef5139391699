/**
 * The path of a provisioned program.
 *
 * The test runner provisions the tools and hands them over in SLUICE_TOOLS (JSON, name to path). This is
 * one of the few places outside config.ts that reads the environment: test workers have no flags.
 *
 * @param name for instance `kustomize`
 * @throws Error when the tool was not provisioned
 */
export function toolPath(name: string): string {
  const tools = JSON.parse(process.env['SLUICE_TOOLS'] ?? '{}') as Record<string, string>;
  const path = tools[name];
  if (!path) {
    throw new Error(
      `SLUICE_TOOLS has no path for ${name}: run the tests with \`npm test\`, or add ${name} to the tools it provisions`,
    );
  }
  return path;
}

/** Why tests with a tool are left out that is not built unless it is asked for; undefined when it is there. */
export function missingTool(name: string, variable: string): string | undefined {
  const tools = JSON.parse(process.env['SLUICE_TOOLS'] ?? '{}') as Record<string, string>;
  return tools[name] ? undefined : `${name} is not built here; ${variable}=required builds it`;
}
