import type { FlagDescription, FlagSpecs } from '@sluice/shared/base';
import { describeFlags } from '@sluice/shared/base';
import type { Schema, Value } from './node.ts';

/** Flags that have values of their own, or that a pod must not change. */
const managed = new Set([
  'cluster-windows-namespace',
  'artifact-audience',
  'artifact-authentication',
  'artifact-readers',
  'artifact-token-file',
  'artifact-token-hosts',
  'enable-leader-election',
  'event-audience',
  'event-authentication',
  'event-senders',
  'events-addr',
  'events-token-file',
  'health-addr',
  'keep-pinned-artifacts',
  'kube-context',
  'kubeconfig',
  'log-encoding',
  'log-level',
  'metrics-addr',
  'nats-artifacts-max-size',
  'nats-audit-max-size',
  'nats-creds-file',
  'nats-nkey-file',
  'nats-password-file',
  'nats-prefix',
  'nats-stream-replicas',
  'nats-tls-ca-file',
  'nats-tls-cert-file',
  'nats-tls-key-file',
  'nats-url',
  'nats-user',
  'otlp-endpoint',
  'outbox-path',
  'pin-artifacts',
  'receiverAddr',
  'storage-addr',
  'storage-adv-addr',
  'storage-backend',
  'storage-path',
  'watch-all-namespaces',
  'watch-label-selector',
  'work-path',
]);

const schemas: Record<string, Schema> = {
  int: { type: 'integer' },
  boolean: { type: 'boolean' },
  duration: { type: 'string', pattern: '^(0|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$' },
  string: { type: 'string' },
  list: { type: 'array', items: { type: 'string' } },
};

function schemaOf({ type, help, default: fallback }: FlagDescription): Schema {
  const shown = fallback === '' ? '' : ` Default: ${fallback}.`;
  return { description: `${help}${shown}`, ...schemas[type] };
}

/** The value by which a chart sets the flags of its controller. */
export function flagsValue(flags: FlagSpecs): Value {
  const properties = Object.fromEntries(
    describeFlags(flags)
      .filter(({ name }) => !managed.has(name))
      .map((flag) => [flag.name, schemaOf(flag)]),
  );
  return {
    description:
      'Flags of the controller by their names without the dashes, such as `concurrent: 8`; docs/flags.md lists them. Those with values of their own are not among them.',
    default: {},
    schema: { type: 'object', properties, additionalProperties: false },
  };
}
