import { type FlagValues, flag, formatHelp, parseFlags } from '@sluice/shared/base';

const specs = {
  once: flag.boolean({
    default: false,
    help: 'Approve the plan that waits, and exit 0 when everything is Ready, 1 with the reasons when it is not in time.',
  }),
  context: flag.string({
    default: '',
    help: 'Use this context of your kubeconfig instead of a local control plane. What the demo creates there is removed at the end.',
  }),
  kubeconfig: flag.string({
    default: '',
    env: 'KUBECONFIG',
    help: 'The kubeconfig that --context names a context of; ~/.kube/config when empty.',
  }),
  timeout: flag.duration({ default: 180_000, min: 1, help: 'How long --once waits for Ready.' }),
  help: flag.boolean({ default: false, help: 'Show this text.' }),
};

export type StartOptions = FlagValues<typeof specs>;

/** Reads the arguments of `npm start`; throws FlagError naming a wrong one. */
export function readOptions(argv: string[], env: NodeJS.ProcessEnv): StartOptions {
  return parseFlags(specs, argv, env);
}

export const helpText = formatHelp('npm start --', specs);
