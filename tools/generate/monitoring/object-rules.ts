import {
  type AlertRule,
  byObject,
  type ControllerScope,
  inNamespace,
  kindMatcher,
  rule,
} from './rule.ts';

const object = '{{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.name }}';

/** What the objects of every controller are watched for. Suspended objects have no conditions in the metrics. */
export function objectRules(controller: ControllerScope): AlertRule[] {
  const kinds = kindMatcher('kind', controller.kinds);
  const condition = (matchers: string) => `sluice_resource_condition{${kinds},${matchers}}`;
  // While a retry runs, Ready is Unknown: such an object has not stopped failing.
  const failed = `max_over_time(${condition('type="Ready",status="False"')}[30m])`;
  return [
    rule('SluiceResourceFailing', controller, {
      expr: `${byObject(condition('type="Ready",status!="True"'))}\nand\n${byObject(failed)}`,
      for: '10m',
      severity: 'warning',
      summary: `${object} fails`,
      description:
        'Its Ready condition is False, or was and is not True again. The message of the condition says why.',
    }),
    rule('SluiceResourceStalled', controller, {
      expr: byObject(condition('type="Stalled",status="True"')),
      for: '1m',
      severity: 'warning',
      summary: `${object} is stalled`,
      description: 'It is not tried again before its spec changes.',
    }),
    rule('SluiceResourceNotProgressing', controller, {
      expr: byObject(condition('type="Ready",status="Unknown"')),
      for: '30m',
      severity: 'warning',
      summary: `${object} does not get ready`,
      description: 'Its Ready condition stays Unknown: the work on it does not end.',
    }),
    rule('SluiceResourceSuspended', controller, {
      expr: suspended(controller),
      for: '24h',
      severity: 'info',
      summary: `${object} is suspended`,
      description: 'It stays suspended and follows no change.',
    }),
  ];
}

/** From kube-state-metrics, which sees suspended objects as well. */
function suspended({ kinds, passiveKinds }: ControllerScope): string {
  const info = `gotk_resource_info{${kindMatcher('customresource_kind', [...kinds, ...passiveKinds])},suspended="true"}`;
  return byObject(`label_replace(${info}, "kind", "$1", "customresource_kind", "(.+)")`);
}

/** Sources are looked at in time. */
export function sourceRules(controller: ControllerScope): AlertRule[] {
  const kinds = kindMatcher('kind', controller.kinds);
  const last = byObject(`sluice_resource_last_success_timestamp_seconds{${kinds}}`);
  const interval = byObject(`sluice_resource_interval_seconds{${kinds}}`);
  return [
    rule('SluiceSourceStale', controller, {
      // Five minutes of grace, for intervals of seconds.
      expr: `(time() - 300 - ${last})\n/\n${interval} > 3`,
      for: '5m',
      severity: 'warning',
      summary: `${object} is stale`,
      description:
        'It was not looked at with success for {{ $value | humanize }} times its interval; consumers may run an old revision.',
    }),
  ];
}

/** What is applied stays as it is in the source. */
export function applierRules(controller: ControllerScope): AlertRule[] {
  const kinds = kindMatcher('kind', controller.kinds);
  const recurring = `sum by (kind, namespace, name) (\n  label_replace(increase(sluice_drift_total{${kinds},action=~"corrected|delayed"}[1h]), "namespace", "$1", "exported_namespace", "(.+)")\n)`;
  return [
    rule('SluiceDrifting', controller, {
      expr: `${byObject(`sluice_drifted_objects{${kinds}}`)} > 0`,
      for: '15m',
      severity: 'warning',
      summary: `${object} drifts`,
      description: '{{ $value }} applied objects differ from the source and are left so.',
    }),
    rule('SluiceDriftRecurring', controller, {
      expr: `${recurring} > 10`,
      severity: 'warning',
      summary: `Something keeps changing what ${object} applies`,
      description: '{{ $value | humanize }} changes within an hour were undone or are about to be.',
    }),
  ];
}

/** Kustomizations get ready in time. */
export function readyRules(controller: ControllerScope): AlertRule[] {
  const ready = `rate(sluice_artifact_to_ready_seconds_bucket{${inNamespace}}[1h])`;
  return [
    rule('SluiceTimeToReadySlow', controller, {
      expr: `histogram_quantile(0.9, sum by (namespace, le) (${ready})) > 300`,
      for: '15m',
      severity: 'warning',
      summary: 'Changes take long to get ready',
      description:
        'One in ten takes longer than {{ $value | humanizeDuration }} from the new artifact to a ready Kustomization.',
    }),
  ];
}

/** Releases end in time. */
export function releaseRules(controller: ControllerScope): AlertRule[] {
  return [
    rule('SluiceHelmActionSlow', controller, {
      expr: `histogram_quantile(0.9, sum by (action, le) (rate(sluice_helm_action_seconds_bucket{${inNamespace}}[1h]))) > 600`,
      for: '15m',
      severity: 'warning',
      summary: 'Helm releases take long: {{ $labels.action }}',
      description:
        'One in ten {{ $labels.action }} actions takes longer than {{ $value | humanizeDuration }}.',
    }),
  ];
}

/** Alerts arrive, webhooks are taken. */
export function notificationRules(controller: ControllerScope): AlertRule[] {
  const deliveries = (matcher: string) =>
    `sum by (namespace, provider_type) (rate(sluice_deliveries_total{${matcher}${inNamespace}}[15m]))`;
  const webhooks = (matcher: string) =>
    `sum by (namespace) (rate(gotk_receiver_http_request_duration_seconds_count{${matcher}${inNamespace}}[15m]))`;
  return [
    rule('SluiceDeadLetters', controller, {
      expr: `sum by (namespace) (increase(sluice_dead_letters_total{${inNamespace}}[1h])) > 0`,
      severity: 'warning',
      summary: 'Alerts were given up',
      description:
        '{{ $value | humanize }} deliveries of the last hour ended as dead letters. Nobody was told.',
    }),
    rule('SluiceDeliveriesFailing', controller, {
      expr: `${deliveries('result="failed",')}\n/\n${deliveries('')} > 0.5`,
      for: '15m',
      severity: 'warning',
      summary: 'Deliveries through providers of type {{ $labels.provider_type }} fail',
      description:
        '{{ $value | humanizePercentage }} of the attempts fail. They are tried again, then given up.',
    }),
    rule('SluiceDeliverySlow', controller, {
      expr: `histogram_quantile(0.9, sum by (namespace, provider_type, le) (rate(sluice_delivery_seconds_bucket{${inNamespace}}[15m]))) > 60`,
      for: '15m',
      severity: 'warning',
      summary: 'Alerts through providers of type {{ $labels.provider_type }} are late',
      description: 'One in ten arrives more than {{ $value | humanizeDuration }} after its event.',
    }),
    rule('SluiceWebhooksFailing', controller, {
      expr: `${webhooks('code=~"5..",')}\n/\n${webhooks('')} > 0.1`,
      for: '15m',
      severity: 'warning',
      summary: 'Webhooks are answered with errors',
      description:
        '{{ $value | humanizePercentage }} of the webhooks got a server error. Pushes are noticed at the next interval only.',
    }),
  ];
}
