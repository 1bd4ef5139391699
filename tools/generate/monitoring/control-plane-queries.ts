/** Limits a metric to the pods of the installation. */
export const pods = 'namespace="$namespace"';
/** The chosen processes. */
export const info = `sluice_build_info{${pods},controller=~"$controller"}`;
/** A range that fits the resolution of the panel. */
export const interval = '[$__rate_interval]';

/** Keeps what comes from the chosen controllers. */
export const chosen = (expr: string) => `(${expr} and on (job, instance) ${info})`;

/** A quantile of a histogram of the chosen controllers. */
export const quantile = (q: number, by: string, metric: string) =>
  `histogram_quantile(${q}, sum by (${by}, le) (${chosen(`rate(${metric}_bucket{${pods}}${interval})`)}))`;
