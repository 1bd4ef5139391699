import type { Release } from '../../src/release/release.ts';

/** A release such as Helm stores, with the fields of a test in place of the usual ones. */
export function aRelease(fields: Partial<Release> = {}): Release {
  return {
    name: 'web',
    namespace: 'apps',
    version: 1,
    info: {
      first_deployed: '2026-01-02T03:04:05.678901234Z',
      last_deployed: '2026-01-02T03:04:05.678901234Z',
      description: 'Install complete',
      status: 'deployed',
    },
    chart: { metadata: { name: 'web', version: '1.2.3', apiVersion: 'v2', appVersion: '7' } },
    config: { replicas: 2 },
    manifest:
      '---\n# Source: web/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n',
    ...fields,
  };
}
