import { type AlertRule, type ControllerScope, kindMatcher, ofController, rule } from './rule.ts';

/** Changes work out, and are recorded. */
export function deliveryRules(controller: ControllerScope): AlertRule[] {
  const { name } = controller;
  const kinds = kindMatcher('kind', controller.kinds);
  const deployments = (matcher: string) =>
    `sum by (kind, namespace) (\n  label_replace(increase(sluice_deployments_total{${kinds}${matcher}}[1d]), "namespace", "$1", "exported_namespace", "(.+)")\n)`;
  const of = (expr: string) => ofController(expr, controller);
  const lost = `increase(sluice_audit_outbox_dropped_total[1h]) + increase(sluice_audit_outbox_dead_letters_total[1h])`;
  return [
    rule('SluiceChangesFailing', controller, {
      expr: `(${deployments(',result="failed"')}\n/\n${deployments('')} > 0.5)\nand\n${deployments('')} >= 4`,
      for: '15m',
      severity: 'warning',
      summary: 'Most changes of {{ $labels.kind }}s in {{ $labels.namespace }} fail',
      description:
        '{{ $value | humanizePercentage }} of the changes of a day did not become ready.',
    }),
    rule('SluiceAuditRecordsWaiting', controller, {
      expr: `${of('sluice_audit_outbox_oldest_seconds')} > 900`,
      for: '5m',
      severity: 'warning',
      summary: `Audit records of ${name} are not handed over`,
      description:
        'The oldest audit record in the outbox of {{ $labels.pod }} waits since {{ $value | humanizeDuration }}: NATS is away, or the audit trail is full.',
    }),
    rule('SluiceAuditRecordsLost', controller, {
      expr: `${of(`(${lost})`)} > 0`,
      severity: 'critical',
      summary: `${name} lost audit records`,
      description:
        '{{ $value | humanize }} records of {{ $labels.pod }} found no room in its outbox, or were refused by NATS.',
    }),
  ];
}
