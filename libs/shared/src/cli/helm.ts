import { createProgramPool, type ProgramPool } from './program-pool.ts';
import { ProgramError } from './program-worker.ts';
import { CommandError } from './run.ts';

/** Limit of a release as JSON, in bytes. Helm stores at most one MiB of it, compressed. */
const maxReleaseOutput = 64 * 1024 * 1024;

/** Memory that a rendering may take unless told, in bytes; the program itself takes 30 MiB. */
const defaultMaxRssBytes = 512 * 1024 * 1024;

/** The helm-renderer program. */
export interface HelmRenderer {
  /**
   * Renders the release that `helm install` or `helm upgrade` would create.
   *
   * @returns the release as Helm's JSON has it
   * @throws HelmError when chart, values or release are refused, or it takes longer than `timeoutMs`
   * @throws CommandError when the program is missing or stopped, takes too much memory, or writes more than 64 MiB
   */
  render<Release>(request: HelmRenderRequest, o: HelmRenderOptions): Promise<Release>;
  /** Ends its processes. */
  close(): Promise<void>;
}

/** What to render; the form in which the program takes it. */
export interface HelmRenderRequest {
  /** Name of the release. */
  name: string;
  namespace: string;
  /** Number of the release; an installation is always the first. */
  revision: number;
  /** Absolute path of the chart. */
  chartPath: string;
  /** Values of the user. */
  values: Record<string, unknown>;
  /** Values in the syntax of `--set`, put over the others. */
  set?: string[];
  /** What templates see of the cluster. */
  capabilities: HelmCapabilities;
  /** Makes it an upgrade. */
  previous?: {
    /** RFC 3339. */
    firstDeployed?: string;
    /** Chart and values of the release before, to be kept as with `--reuse-values`. */
    reuse?: { chart: unknown; config?: unknown };
  };
  /** Note in the release that it is applied on the server. */
  serverSideApply: boolean;
  skipSchemaValidation?: boolean;
  /** Let `getHostByName` in templates ask the DNS. */
  enableDns?: boolean;
}

/** What a cluster serves. */
export interface HelmCapabilities {
  kubeVersion: { gitVersion: string; major: string; minor: string };
  /** Such as `apps/v1` and `apps/v1/Deployment`. */
  apiVersions: readonly string[];
}

/** What a template looks up; all objects without a name. */
export interface HelmLookup {
  apiVersion: string;
  kind: string;
  /** May be empty. */
  namespace: string;
  /** May be empty. */
  name: string;
}

/** How to render it. */
export interface HelmRenderOptions {
  /** Finds an object or a list; undefined when there is none. The message of what it throws stands in the template's. */
  lookup(question: HelmLookup): Promise<unknown>;
  /** Returns the text of a document that a schema refers to by its address; what it throws is the cause of the error. */
  schema?(address: string): Promise<string>;
  timeoutMs: number;
  /** Whose turn it takes: the namespace of the tenant. */
  share: string;
  signal?: AbortSignal;
}

/**
 * Why a release was refused: `schema`, the values do not fit the chart; `schema-reference`, a schema refers to what is
 * outside of it; `template`, a template failed, or what it made is no YAML; `kubeVersion`, the chart is not for this
 * cluster; `other`, such as a missing dependency or a limit.
 */
export type HelmErrorKind = 'schema' | 'schema-reference' | 'template' | 'kubeVersion' | 'other';

/** A rendering that was refused; the message is Helm's, of a reference what it refers to. */
export class HelmError extends Error {
  override name = 'HelmError';
  readonly kind: HelmErrorKind;
  constructor(kind: HelmErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** How to run the program. */
export interface HelmRendererOptions {
  /** Its name or path. */
  program: string;
  /** Renderings of one namespace at the same time, 2 when not given; one more is for the others. */
  size?: number;
  /** Memory that one rendering may take, in bytes. */
  maxRssBytes?: number;
}

const kinds: readonly string[] = [
  'schema',
  'schema-reference',
  'template',
  'kubeVersion',
] satisfies HelmErrorKind[];

function helmError(error: ProgramError): HelmError {
  const { message, cause } = error;
  const kind = kinds.includes(error.kind) ? (error.kind as HelmErrorKind) : 'other';
  if (kind !== 'schema-reference') return new HelmError(kind, message, { cause });
  const { reference } = error.details as { reference: string };
  return new HelmError(kind, reference, { cause });
}

async function render<Release>(
  pool: ProgramPool,
  request: HelmRenderRequest,
  { lookup, schema, ...o }: HelmRenderOptions,
): Promise<Release> {
  try {
    return await pool.call<Release>(request, {
      ...o,
      async onQuestion(method, params) {
        if (method === 'lookup') return lookup(params as HelmLookup);
        if (method !== 'schema' || schema === undefined)
          throw new Error(`nobody answers ${method}`);
        return schema((params as { url: string }).url);
      },
    });
  } catch (error) {
    if (error instanceof ProgramError) throw helmError(error);
    if (!(error instanceof CommandError && error.code === 'timed-out')) throw error;
    throw new HelmError(
      'other',
      `rendering the chart took longer than ${o.timeoutMs} ms: raise spec.timeout, or make its templates do less`,
    );
  }
}

/** Creates the door to the helm-renderer program; renderings wait for a free process. */
export function createHelmRenderer(o: HelmRendererOptions): HelmRenderer {
  const maxRssBytes = o.maxRssBytes ?? defaultMaxRssBytes;
  const pool = createProgramPool({
    name: 'helm-renderer',
    file: o.program,
    // Three times the default limit of memory stays below the limit of the chart.
    size: o.size ?? 2,
    maxRssBytes,
    maxOutputBytes: maxReleaseOutput,
    env: { GOGC: '400', GOMAXPROCS: '1', GOMEMLIMIT: String(Math.floor(maxRssBytes * 0.75)) },
  });
  return {
    render: (request, options) => render(pool, request, options),
    close: () => pool.close(),
  };
}
