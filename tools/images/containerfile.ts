import { nodeEnvironment, nodeFlagsOf } from '../bundle/node-flags.ts';
import { buildArguments } from '../provision/build.ts';
import { recipeOf, type ToolName } from '../provision/catalogue.ts';
import { type ImageRecipe, imageUser } from './catalogue.ts';

/**
 * Writes the Containerfile of an image. Stages: `cli` builds the programs, `bundle` the JavaScript, `base` gathers what
 * Node needs, `app` what is the controller's own; the image itself starts from nothing.
 *
 * @param version without v, of the release that is being built
 * @param mark the comment's words that tell that the file is generated
 */
export function containerfile(recipe: ImageRecipe, version: string, mark: string): string {
  const hasPrograms = recipe.programs.length > 0;
  return `${[
    `# ${mark} from tools/images/containerfile.ts; edit that instead.`,
    ['ARG NODE_IMAGE=node:24-bookworm-slim', hasPrograms ? `ARG GO_IMAGE=${goImage}` : ''],
    hasPrograms ? programStage(recipe.programs) : [],
    bundleStage(recipe),
    baseStage,
    appStage(recipe),
    imageStage(recipe, version),
  ]
    .flatMap((part) => [part].flat().filter((line) => line !== ''))
    .map((line) => (line.startsWith('FROM') ? `\n${line}` : line))
    .join('\n')}\n`;
}

const goImage = 'golang:1.26-bookworm';

/** Compiles for the target on the machine that builds. Replaced by `--build-context cli=DIRECTORY` when given. */
function programStage(programs: ToolName[]): string[] {
  return [
    'FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS cli',
    'ARG TARGETOS',
    'ARG TARGETARCH',
    'ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOTOOLCHAIN=local GOWORK=off',
    ...programs.flatMap((program) => {
      const { module, package: main, own } = recipeOf(program);
      const args = buildArguments(program).map((arg) => (arg.includes(' ') ? `'${arg}'` : arg));
      return [
        // Those of this repository have a neighbour that they share.
        own ? 'COPY programs /src/programs' : `COPY tools/go/${module} /src/${module}`,
        `WORKDIR /src/${own ? 'programs/' : ''}${module}`,
        `RUN go build ${args.join(' ')} -o /out/${program} ${main}`,
      ];
    }),
  ];
}

function bundleStage({ name }: ImageRecipe): string[] {
  return [
    'FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS bundle',
    'WORKDIR /src',
    'COPY . .',
    `RUN node tools/run.mjs build ${name}`,
  ];
}

/** Runs on the target's platform: what it gathers is what Node there has loaded. The same for all images. */
const baseStage = [
  'FROM ${NODE_IMAGE} AS base',
  'WORKDIR /src',
  'COPY tools/images tools/images',
  'RUN node tools/images/assemble-base.ts /image',
];

/** Slim images have no time zones. */
const installTimeZones = [
  'RUN test -e /usr/share/zoneinfo/UTC ||',
  '(apt-get update && apt-get install --yes --no-install-recommends tzdata)',
].join(' ');

function appStage({ name, programs, timeZones }: ImageRecipe): string[] {
  const mounts = ['from=base,source=/image,target=/src/base'];
  if (programs.length > 0) mounts.push('from=cli,source=/out,target=/src/cli');
  return [
    'FROM ${NODE_IMAGE} AS app',
    ...(timeZones ? [installTimeZones] : []),
    'WORKDIR /src',
    'COPY tools/images tools/images',
    'COPY package.json ./',
    `COPY --from=bundle /src/dist/${name} bundle`,
    [
      'RUN',
      ...mounts.map((mount) => `--mount=type=bind,${mount}`),
      `node tools/images/assemble-app.ts ${name} /image`,
    ].join(' '),
  ];
}

function imageStage(recipe: ImageRecipe, version: string): string[] {
  const entrypoint = ['/usr/local/bin/node', ...nodeFlagsOf(recipe.name), '/app/main.mjs'];
  const environment = Object.entries({ PATH: '/usr/local/bin', ...nodeEnvironment }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const labels = {
    title: recipe.name,
    description: recipe.description,
    licenses: 'Apache-2.0',
    version: '$VERSION',
    revision: '$REVISION',
    created: '$CREATED',
    source: '$SOURCE',
  };
  return [
    'FROM scratch',
    `ARG VERSION=v${version}`,
    'ARG REVISION=unknown',
    'ARG CREATED=1970-01-01T00:00:00Z',
    'ARG SOURCE=unknown',
    // What is the same in all images comes first, so that they share it.
    'COPY --from=base /image/root/ /',
    ...recipe.programs
      .toSorted()
      .map((program) => `COPY --from=cli /out/${program} /usr/local/bin/${program}`),
    'COPY --from=app /image/ /',
    ...Object.entries(labels).map(
      ([key, value]) => `LABEL org.opencontainers.image.${key}="${value}"`,
    ),
    `ENV ${environment.join(' ')}`,
    `USER ${imageUser}:${imageUser}`,
    `ENTRYPOINT ${JSON.stringify(entrypoint).replaceAll(',', ', ')}`,
  ];
}
