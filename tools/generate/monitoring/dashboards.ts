import { clusterDashboard } from './cluster-dashboard.ts';
import { controlPlaneDashboard } from './control-plane-dashboard.ts';
import type { Dashboard } from './dashboard.ts';
import { dashboardJson } from './dashboard-json.ts';
import { deliveryDashboard } from './delivery-dashboard.ts';
import { logsDashboard } from './logs-dashboard.ts';

/** Every dashboard, by the name of its file. */
export const dashboards: Readonly<Record<string, Dashboard>> = {
  'control-plane': controlPlaneDashboard,
  cluster: clusterDashboard,
  delivery: deliveryDashboard,
  logs: logsDashboard,
};

/** Generates the dashboards that the umbrella chart puts into ConfigMaps. */
export async function generateDashboards(): Promise<Map<string, string>> {
  return new Map(
    Object.entries(dashboards).map(([name, dashboard]) => [
      `charts/sluice/files/dashboards/${name}.json`,
      dashboardJson(dashboard),
    ]),
  );
}
