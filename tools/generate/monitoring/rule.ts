/** One alerting rule, in the words of Prometheus. */
export interface AlertRule {
  alert: string;
  expr: string;
  for?: string;
  keep_firing_for?: string;
  labels: { severity: Severity; controller: string };
  annotations: { summary: string; description: string };
}

/** `critical`: look now; `warning`: look today; `info`: good to know. */
export type Severity = 'critical' | 'warning' | 'info';

/** A controller as the rules see it. */
export interface ControllerScope {
  /** Its name, such as `source-controller`. */
  name: string;
  /** Kinds that it reconciles. */
  kinds: readonly string[];
  /** Kinds that it reads only, or that others make: they have no conditions of ours. */
  passiveKinds: readonly string[];
}

/** What a rule says, without what follows from its controller. */
export interface RuleText {
  expr: string;
  for?: string;
  keepFiringFor?: string;
  severity: Severity;
  summary: string;
  description: string;
}

/**
 * Matches the namespace of the controller's pods. The chart puts the namespace of the release in its place, so that
 * one Prometheus can watch several installations.
 */
export const inNamespace = 'namespace=~".+"';

/** Makes a rule of a controller. */
export function rule(alert: string, controller: ControllerScope, text: RuleText): AlertRule {
  return {
    alert,
    expr: text.expr,
    ...(text.for === undefined ? {} : { for: text.for }),
    ...(text.keepFiringFor === undefined ? {} : { keep_firing_for: text.keepFiringFor }),
    labels: { severity: text.severity, controller: controller.name },
    annotations: { summary: text.summary, description: text.description },
  };
}

/** A matcher of the controller's kinds, for instance `kind=~"Alert|Receiver"`. */
export function kindMatcher(label: string, kinds: readonly string[]): string {
  return kinds.length === 1 ? `${label}="${kinds[0]}"` : `${label}=~"${kinds.join('|')}"`;
}

/** A matcher of the controller's kinds as the queues and `controller_runtime_*` write them. */
export function queueMatcher(label: string, controller: ControllerScope): string {
  return kindMatcher(
    label,
    controller.kinds.map((kind) => kind.toLowerCase()),
  );
}

/** Keeps, of a metric of processes, what comes from those of the controller. */
export function ofController(expr: string, { name }: ControllerScope): string {
  return `(${expr}\n  and on (job, instance) sluice_build_info{controller="${name}",${inNamespace}})`;
}

/**
 * One series per object, under its kind, namespace and name. The scrape moves the namespace of an object into
 * `exported_namespace`, since `namespace` is that of the pod; alerts carry the object's, by which they are routed.
 */
export function byObject(expr: string): string {
  return `max by (kind, namespace, name) (\n  label_replace(${expr}, "namespace", "$1", "exported_namespace", "(.+)")\n)`;
}
