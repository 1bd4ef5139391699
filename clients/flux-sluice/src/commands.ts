import type { OptionName, Output } from './options.ts';

/** A command, as the help describes it and the command line is checked. */
export interface CommandSpec {
  /** Names of its arguments; those in brackets may be left out. */
  args: string[];
  summary: string;
  /** More to know, a paragraph each. */
  about: string[];
  /** Options besides those of every command. */
  options: OptionName[];
  outputs: Output[];
}

const target = ['KIND', 'NAME'];
const kinds = 'KIND is kustomization (ks) or helmrelease (hr).';
const asked =
  'The plan is shown and a question asked. Without a terminal, name the plan with --plan and confirm with --yes.';

/** The commands, in the order of the help. */
export const commands = {
  plan: {
    args: target,
    summary: 'Print the change that waits: objects and fields, and what it waits for',
    about: [
      kinds,
      'With --path, prints instead what applying the files of a folder would do: `flux build kustomization` builds them, and the API server is asked by dry-runs, as the current user.',
      'Values of Secrets are masked. The format markdown is meant for pull requests.',
      'Exit codes: 0 when nothing would change, 2 when there is a plan, 1 when neither is known.',
    ],
    options: ['path', 'watch'],
    outputs: ['text', 'json', 'markdown'],
  },
  approve: {
    args: target,
    summary: 'Approve the plan that waits',
    about: [kinds, 'Creates an Approval in the name of the current user.', asked],
    options: ['plan', 'reason', 'yes'],
    outputs: ['text', 'json'],
  },
  reject: {
    args: target,
    summary: 'Reject the plan that waits, whoever has approved it',
    about: [kinds, 'Creates an Approval with the decision Reject.', asked],
    options: ['plan', 'reason', 'yes'],
    outputs: ['text', 'json'],
  },
  override: {
    args: target,
    summary: 'Apply the plan that waits in spite of windows, approvals and guards',
    about: [kinds, 'Needs --reason. Annotates the object, of which an event tells.', asked],
    options: ['plan', 'reason', 'yes'],
    outputs: ['text', 'json'],
  },
  rollback: {
    args: target,
    summary: 'Go back to what was healthy before the present change',
    about: [
      kinds,
      'Needs --reason. Annotates the object, of which an event tells, and waits until the controller has applied what was healthy before. What is undone is not applied again until something changes.',
      'It is shown what is gone back to, and a question asked. Without a terminal, confirm with --yes.',
      'Exit codes: 0 when it is back, 1 when it is not, cannot be, or not within --timeout.',
    ],
    options: ['reason', 'yes', 'timeout'],
    outputs: ['text', 'json'],
  },
  suspend: {
    args: target,
    summary: 'Suspend reconciliation, and say why, by whom and until when',
    about: [kinds, 'With --until, the object is resumed by itself.'],
    options: ['reason', 'until'],
    outputs: ['text', 'json'],
  },
  resume: {
    args: target,
    summary: 'Resume reconciliation',
    about: [kinds],
    options: [],
    outputs: ['text', 'json'],
  },
  where: {
    args: ['REVISION'],
    summary: 'List what runs a revision, since when, and what does not yet',
    about: [
      'REVISION is a commit or digest, of which 7 characters suffice, a version of a chart, or a whole revision such as main@sha1:4f2c…. All namespaces are searched unless --namespace is given.',
      'Exit codes: 0 when all that know the revision run it or have run it, 2 when some do not yet or nothing knows it, 1 after an error.',
    ],
    options: [],
    outputs: ['text', 'json', 'markdown'],
  },
  windows: {
    args: ['[KIND NAME]'],
    summary: 'List Windows and whether they are open, or those that are for an object',
    about: [
      kinds,
      'Exit codes: 2 when they hold changes of the object now, 0 when they do not or none is named, 1 after an error.',
    ],
    options: ['cluster-windows-namespace'],
    outputs: ['text', 'json', 'markdown'],
  },
  audit: {
    args: target,
    summary: 'List what was done to an object, by whom and why, the newest first',
    about: [kinds, 'Reads the audit trail from NATS. The object may be gone.'],
    options: [
      'nats-url',
      'nats-user',
      'nats-password-file',
      'nats-creds-file',
      'nats-tls-ca-file',
      'nats-prefix',
      'limit',
    ],
    outputs: ['text', 'json', 'markdown'],
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof commands;

/** Whether there is a command of a name. */
export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}
