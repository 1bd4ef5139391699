import {
  allKinds,
  apiVersionOf,
  type Field,
  fieldsOf,
  type KindDefinition,
  type OpenApiSchema,
} from '@sluice/shared/api';
import { controllerOf } from './crds.ts';
import { generatedMark } from './generator.ts';
import { fileNameOf } from './names.ts';

const header = `<!-- ${generatedMark}; edit libs/shared/src/api instead. -->`;

/** Generates docs/api: one page per kind with a table of all its fields, and an index. */
export async function generateApiReference(): Promise<Map<string, string>> {
  const pages = allKinds.map(
    (kind) => [`docs/api/${fileNameOf(kind.kind)}.md`, kindPage(kind)] as const,
  );
  return new Map([['docs/api/README.md', indexPage()], ...pages]);
}

function indexPage(): string {
  const rows = allKinds.map((kind) => [
    `[${kind.kind}](${fileNameOf(kind.kind)}.md)`,
    code(apiVersionOf(kind)),
    controllerOf(kind),
    descriptionOf(kind),
  ]);
  return page([
    '# API reference',
    'The kinds of Sluice are those of Flux v2.9. Fields that Sluice adds are marked as additions: other implementations of the API do not have them.',
    table(['Kind', 'API version', 'Controller', 'What it does'], rows),
  ]);
}

function kindPage(kind: KindDefinition): string {
  const fields = fieldsOf(kind);
  const names = [kind.plural, kind.singular, ...kind.shortNames].map(code).join(', ');
  const sections = ['spec', 'status'].flatMap((part) => {
    const own = fields.filter(({ path }) => path === part || path.startsWith(`${part}.`));
    return own.length === 0 ? [] : section(part, own);
  });
  return page([
    `# ${kind.kind}`,
    descriptionOf(kind),
    `API version ${code(apiVersionOf(kind))}; known to kubectl as ${names}.`,
    'In paths, `[]` stands for each item of a list and `{}` for each value of a map.',
    ...sections,
  ]);
}

function section(part: string, fields: Field[]): string[] {
  const rows = fields.map((field) => [
    code(field.path),
    typeOf(field.schema),
    field.required ? 'yes' : 'no',
    field.schema.default === undefined ? '' : code(JSON.stringify(field.schema.default)),
    constraintsOf(field.schema).join('<br>'),
    `${field.addition ? '**Sluice addition.** ' : ''}${cell(field.schema.description ?? '')}`,
  ]);
  const rules = fields.flatMap(({ path, schema }) =>
    (schema['x-kubernetes-validations'] ?? []).map(({ rule, message }) => [
      code(path),
      cell(message),
      code(rule),
    ]),
  );
  const columns = ['Path', 'Type', 'Required', 'Default', 'Constraints', 'Description'];
  return [
    `## ${part}`,
    table(columns, rows),
    ...(rules.length === 0
      ? []
      : [`### Rules over several fields of ${part}`, table(['Path', 'Meaning', 'Rule'], rules)]),
  ];
}

function typeOf(schema: OpenApiSchema): string {
  switch (schema.type) {
    case undefined:
      return 'any';
    case 'array':
      return `list of ${typeOf(schema.items ?? {})}`;
    case 'object':
      return schema.additionalProperties
        ? `map of ${typeOf(schema.additionalProperties)}`
        : 'object';
    default:
      return schema.type;
  }
}

function constraintsOf(schema: OpenApiSchema): string[] {
  const numeric = (
    ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'] as const
  ).flatMap((name) => (schema[name] === undefined ? [] : `${name} ${schema[name]}`));
  return [
    ...(schema.enum ? [`one of ${schema.enum.map(code).join(', ')}`] : []),
    ...(schema.format ? [`format ${schema.format}`] : []),
    ...(schema.pattern ? [`matches ${code(schema.pattern)}`] : []),
    ...numeric,
    ...(schema['x-kubernetes-list-map-keys'] ?? []).map((key) => `unique by ${code(key)}`),
  ];
}

function descriptionOf(kind: KindDefinition): string {
  return (kind.schema as { description?: string }).description ?? '';
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

/** Escapes what would end a table cell; GitHub's Markdown honours the escape inside code, too. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function table(columns: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function page(blocks: string[]): string {
  return `${[header, ...blocks].join('\n\n')}\n`;
}
