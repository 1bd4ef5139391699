/** An option of the command line, declared as data. */
export interface OptionSpec {
  /** What stands for its value in the help; absent for a switch. */
  value?: string;
  short?: string;
  help: string;
}

/** Every option that some command has. */
export const options = {
  namespace: {
    value: 'NAME',
    short: 'n',
    help: 'namespace of the object; that of the context when absent, or flux-system',
  },
  context: { value: 'NAME', help: 'context of the kubeconfig, instead of the current one' },
  kubeconfig: { value: 'FILE', help: 'kubeconfig, instead of that which KUBECONFIG names' },
  output: { value: 'FORMAT', short: 'o', help: 'how to print the result' },
  path: { value: 'DIR', help: 'compare the files of this folder with the cluster' },
  watch: { short: 'w', help: 'print again whenever the plan changes, until interrupted' },
  plan: { value: 'DIGEST', help: 'the plan that is meant; refused when another one waits by now' },
  reason: { value: 'TEXT', help: 'why, for those who ask later' },
  until: {
    value: 'TIME',
    help: 'when it ends: a time such as 2026-01-31T18:00:00Z, or a duration',
  },
  'cluster-windows-namespace': {
    value: 'NAME',
    help: 'also the Windows of this namespace, as the flag of the controllers says',
  },
  'nats-url': { value: 'URL', help: 'address of NATS, such as nats://127.0.0.1:4222' },
  'nats-user': { value: 'NAME', help: 'user of NATS, who is auditor in the charts' },
  'nats-password-file': { value: 'FILE', help: 'file with the password of --nats-user' },
  'nats-creds-file': { value: 'FILE', help: 'file with credentials of NATS' },
  'nats-tls-ca-file': { value: 'FILE', help: 'certificate authorities of NATS' },
  'nats-prefix': { value: 'NAME', help: 'prefix of the subjects; sluice when absent' },
  limit: { value: 'N', help: 'the newest N records; 50 when absent' },
  yes: { short: 'y', help: 'do not ask; where a plan is decided about, needs --plan' },
  timeout: { value: 'DURATION', help: 'how long to wait; 5m when absent' },
  help: { short: 'h', help: 'print this text' },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof options;

/** Options of every command. */
export const commonOptions: OptionName[] = ['namespace', 'context', 'kubeconfig', 'output', 'help'];

export type Output = 'text' | 'json' | 'markdown';
