/** A Go module that was compiled into a program. */
export interface GoModule {
  path: string;
  /** With v. */
  version: string;
}

/** What Go's linker wrote into a program. */
export interface GoBuildInfo {
  /** Of the toolchain, such as `go1.26.8`. */
  goVersion: string;
  main: GoModule;
  modules: GoModule[];
}

const magic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerBytes = 32;
/** Bytes around the list of modules, by which other tools find it. */
const sentinelBytes = 16;

/**
 * Reads which modules a Go program was built from, as `go version -m` does.
 *
 * @throws Error when the bytes are no program that Go 1.18 or later has linked
 * @see https://pkg.go.dev/debug/buildinfo
 */
export function readGoBuildInfo(program: Buffer): GoBuildInfo {
  for (let at = program.indexOf(magic); at >= 0; at = program.indexOf(magic, at + 1)) {
    // The bytes also occur where a program looks for them in others; only the section is aligned.
    const isInline = ((program[at + 15] ?? 0) & 2) !== 0;
    if (at % 16 !== 0 || !isInline) continue;
    const version = readString(program, at + headerBytes);
    if (!version.bytes.toString().startsWith('go')) continue;
    const list = readString(program, version.end).bytes;
    return {
      goVersion: version.bytes.toString().split(' ')[0] as string,
      ...parseModules(list.subarray(sentinelBytes, -sentinelBytes).toString()),
    };
  }
  throw new Error('not a Go program with information about its build');
}

function readString(program: Buffer, at: number): { bytes: Buffer; end: number } {
  let length = 0;
  let shift = 0;
  let next = at;
  for (;;) {
    const byte = program.readUInt8(next++);
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  return { bytes: program.subarray(next, next + length), end: next + length };
}

/** Lines are `mod`, `dep` or, for what replaces the module before, `=>`; then path, version and checksum. */
function parseModules(text: string): { main: GoModule; modules: GoModule[] } {
  let main: GoModule | undefined;
  const modules: GoModule[] = [];
  for (const line of text.split('\n')) {
    const [kind, path = '', version = ''] = line.split('\t');
    if (kind === 'mod') main = { path, version };
    if (kind === 'dep') modules.push({ path, version });
    // A directory of the same repository is still the module.
    if (kind === '=>' && !path.startsWith('.')) modules.splice(-1, 1, { path, version });
  }
  if (main === undefined) throw new Error('the Go program does not name its main module');
  return { main, modules };
}
