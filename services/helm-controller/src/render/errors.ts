import { errorMessage, RetryableError, redactUrl, type SecretMasker } from '@sluice/shared/base';
import { CommandError, HelmError, KustomizeError } from '@sluice/shared/cli';
import { ConnectionError } from '@sluice/shared/kube';
import { SchemaRefusedError } from './remote-schemas.ts';

/**
 * Why a release cannot be rendered: `schema`, the values do not fit the chart; `template`, a template failed, or what it
 * made is no YAML; `kubeVersion`, the chart is not for this cluster; `other`, such as a missing dependency, a
 * post-renderer, or a limit.
 */
export type RenderErrorKind = 'schema' | 'template' | 'kubeVersion' | 'other';

/** A release that cannot be rendered from its chart and values; the same again cannot help. */
export class RenderError extends Error {
  override name = 'RenderError';
  readonly kind: RenderErrorKind;
  constructor(kind: RenderErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A template that includes itself makes a message of a thousand steps. */
const maxLength = 2000;

/** Where one template is called by another in the messages of Go. */
const callStep = /(?=template: [^\s:]+:\d+:\d+: executing )/;

function withoutRepetition(text: string): string {
  const steps = text.split(callStep);
  return steps.filter((step, index) => step !== steps[index - 1]).join('');
}

/** Joins the lines of a message: a place, what was executed there, and what went wrong. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/^- /, ''));
  return lines
    .filter((line) => line !== '')
    .map((line, index, all) => {
      if (index === all.length - 1) return line;
      return /[:;]$/.test(line) ? `${line} ` : `${line}: `;
    })
    .join('');
}

/** A schema's message has a line for each chart, and one for each place in its values. */
function schemaMessage(text: string): string {
  const [, ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const places = lines
    .map((line) => line.trim().replace(/^- at '(.*?)':/, (_, path: string) => `${path || '/'}:`))
    .map((line, index, all) =>
      line.endsWith(':') || index === all.length - 1 ? line : `${line};`,
    );
  return `the values do not fit the schema of chart ${places.join(' ')}`;
}

function shorten(text: string): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength / 2)} … ${text.slice(-maxLength / 2)}`;
}

/** Turns what Helm says of a failed rendering into one line that names the template with its line, or the values' path. */
function explainFailure({ kind, message, cause }: HelmError): RenderError {
  switch (kind) {
    case 'schema':
      return new RenderError(kind, shorten(schemaMessage(message)));
    case 'schema-reference':
      return new RenderError(
        'schema',
        `the chart's values.schema.json refers to '${shorten(shown(message))}', ${whyNotRead(cause)}: put the definitions into the schema, or set disableSchemaValidation in spec.install and spec.upgrade`,
      );
    default:
      return new RenderError(kind, shorten(oneLine(withoutRepetition(message))));
  }
}

/** Logins and queries of addresses are nobody's business. */
function shown(reference: string): string {
  return URL.canParse(reference) ? redactUrl(reference) : reference;
}

function whyNotRead(cause: unknown): string {
  return cause instanceof SchemaRefusedError
    ? cause.message
    : 'outside of itself, which is not read';
}

const limits: Partial<Record<CommandError['code'], string>> = {
  'memory-limit':
    'rendering the chart takes more memory than --helm-memory-limit allows: look for a template that repeats without end, or raise the limit',
  'output-limit':
    'the chart makes a release of more than 64 MiB, and Helm stores at most 1 MiB of it compressed: split the chart',
};

/**
 * Returns the error for anything that a rendering threw: a RenderError where chart or values are to blame, else the
 * error itself.
 *
 * @param secrets values that must not be in messages; templates and schemas quote what they are given
 */
export function renderError(error: unknown, secrets?: SecretMasker): unknown {
  // A lookup did not reach the API server, or a schema its own: the chart is not to blame.
  const cause = error instanceof HelmError ? error.cause : undefined;
  if (cause instanceof ConnectionError || cause instanceof RetryableError) return cause;
  const known = knownError(error);
  if (known === undefined) return error;
  const message = secrets?.mask(known.message) ?? known.message;
  return new RenderError(known.kind, message, { cause: known.cause });
}

function knownError(error: unknown): RenderError | undefined {
  if (error instanceof RenderError) return error;
  if (error instanceof HelmError) return explainFailure(error);
  if (error instanceof KustomizeError)
    return new RenderError('other', `spec.postRenderers: ${errorMessage(error)}`);
  const limit = error instanceof CommandError ? limits[error.code] : undefined;
  return limit === undefined ? undefined : new RenderError('other', limit, { cause: error });
}
