import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take ten seconds and more on two cores, the longest first: one that starts last keeps the others waiting.
 * vitest remembers durations itself, but not in a fresh clone.
 */
export const longFiles = [
  'services/kustomize-controller/test/builder/flux-build.test.ts',
  'services/source-controller/test/adapters/pkcs12/open-pkcs12.test.ts',
  'tools/test/programs/go.test.ts',
  'test/programs.test.ts',
  'services/helm-controller/test/values/strvals.test.ts',
  'services/source-controller/test/adapters/ssh/ssh-transport.test.ts',
  'tools/test/monitoring/rules.test.ts',
  'libs/shared/test/cli/sops-services.test.ts',
  'tools/test/charts/render.test.ts',

  'services/notification-controller/test/noise/noise.cluster.test.ts',
  'services/helm-controller/test/differential/differential.cluster.test.ts',
  'services/source-controller/test/other-tenants.cluster.test.ts',
  'services/notification-controller/test/delivery/crash.cluster.test.ts',
  'services/helm-controller/test/helm-release/change/random.cluster.test.ts',
  'services/notification-controller/test/delivery/replay.cluster.test.ts',
  'services/helm-controller/test/helm-release/change/plan.cluster.test.ts',
  'services/kustomize-controller/test/kustomization/rollback.cluster.test.ts',
  'libs/shared/test/api/fuzz.cluster.test.ts',
  'services/helm-controller/test/helm-release/tenant-watches.cluster.test.ts',
  'services/helm-controller/test/helm-release/tenant-objects.cluster.test.ts',
  'services/kustomize-controller/test/kustomization/tenant-watches.cluster.test.ts',
  'services/helm-controller/test/action/wait.cluster.test.ts',
  'services/kustomize-controller/test/kustomization/deletion-order.cluster.test.ts',
  'services/notification-controller/test/incident/resolve.cluster.test.ts',
  'services/source-controller/test/git-repository/submodules.cluster.test.ts',
  'libs/shared/test/artifact/store-archive.cluster.test.ts',
  'services/notification-controller/test/delivery/delivery-status.cluster.test.ts',
  'services/helm-controller/test/helm-release/killed-process.cluster.test.ts',
  'services/helm-controller/test/action/killed.cluster.test.ts',
  'services/source-controller/test/helm-chart/refused.cluster.test.ts',
  'services/helm-controller/test/action/hooks.cluster.test.ts',
  'services/notification-controller/test/delivery/isolation.cluster.test.ts',
  'services/helm-controller/test/helm-release/tenants.cluster.test.ts',
  'services/kustomize-controller/test/kustomization/health.cluster.test.ts',
  'test/tenants/answer-bomb.cluster.test.ts',
  'services/helm-controller/test/helm-release/change/begun.cluster.test.ts',
  'libs/testing/test/servers.cluster.test.ts',
  'libs/shared/test/applier/change/windows/windows.cluster.test.ts',

  'test/e2e/migration.e2e.test.ts',
  'test/e2e/odd-objects.e2e.test.ts',
  'test/e2e/fidelity.e2e.test.ts',
  'test/e2e/flux-cli.e2e.test.ts',
  'test/e2e/charts.e2e.test.ts',
  'test/e2e/kill.e2e.test.ts',
  'test/e2e/disaster-recovery.e2e.test.ts',
  'test/e2e/observability.e2e.test.ts',
  'test/e2e/start.e2e.test.ts',
  'test/e2e/docs.e2e.test.ts',
  'test/e2e/replicas.e2e.test.ts',
  'test/e2e/main-job.e2e.test.ts',
  'test/e2e/nats-down.e2e.test.ts',
  'tools/test/charts/install.e2e.test.ts',
  'test/e2e/images.e2e.test.ts',
  'test/e2e/tenants.e2e.test.ts',
  'test/e2e/composed.e2e.test.ts',
];

/** Starts the files of {@link longFiles} before all others of their project. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = longFiles.indexOf(relative(project.config.root, moduleId));
      return at === -1 ? longFiles.length : at;
    };
    // The order of projects stays, since it comes first in both.
    const order = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return (await super.sort(files)).sort((a, b) => order(a) - order(b) || rank(a) - rank(b));
  }
}
