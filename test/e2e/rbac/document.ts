import { reasonFor } from './never-used.ts';
import type { Grants, Permission } from './permissions.ts';

const intro = `<!-- Written by test/e2e/charts.e2e.test.ts; run it with -u after a change of the roles in the charts. -->

# Permissions of the controllers

What the charts grant to the ServiceAccount of each controller, and what it is for. The list is made by a test: it installs the umbrella chart with helm, runs each controller with the token of its account, lets it do everything that the end-to-end tests do, and compares the audit log of the API server with the roles. It fails when

- a request is refused: a role is too small;
- something is granted that no request needed and that has no reason below: a role is too wide;
- this page is not current.

Names of roles that are not limited to a namespace end in the namespace of the release.
`;

const optional = `## source-watcher

It is installed only when it is asked for, and not a part of this test. It reads sources and ArtifactGenerators, writes the status of the latter and ExternalArtifacts, creates Events, and has the tokens of those reviewed who download artifacts. Another test, \`source-watcher does its work with the rights that its chart gives it\`, runs it with the rules of its chart.`;

const approvals = `## With approvals.webhookAccounts

notification-controller has the verb \`impersonate\` on \`serviceaccounts\` of the names in the list, to create Approvals as those that Receivers name. Another test, \`a plan is approved from the chat, with the rights and the policies of the charts\`, runs it with the rules of its chart, and has it refused another account.`;

const tenants = `## With multitenancy.enabled

kustomize-controller and helm-controller have, in place of \`cluster-admin\`, the verb \`impersonate\` on \`serviceaccounts\`, and the ClusterRole \`view\` (\`multitenancy.watchRole\`) to watch what tenants have applied. They act as the account that the object names, or else as \`multitenancy.defaultServiceAccount\`, always of the object's namespace. Another test asks the API server about what they must not be able to do, and lets a tenant try it.`;

/** Roles of the cluster itself that the charts bind. */
const clusterRoleReasons: Record<string, string> = {
  'cluster-admin':
    'The ClusterRole `cluster-admin` (`rbac.roleRef.name`), with which it applies whatever sources hold, and acts as the accounts that objects name.',
};

const code = (text: string) => `\`${text}\``;

interface Row {
  resources: string[];
  limits: string;
  used: string[];
  unused: string[];
  reasons: string[];
}

/** The page docs/rbac.md. */
export function rbacDocument(grants: Record<string, Grants>): string {
  const sections = Object.entries(grants).map(([controller, { permissions, clusterRoles }]) =>
    [
      `## ${controller}`,
      ...clusterRoles.map((name) => clusterRoleReasons[name] ?? `The ClusterRole ${code(name)}.`),
      table(controller, permissions),
    ].join('\n\n'),
  );
  return `${[intro.trimEnd(), ...sections, optional, approvals, tenants].join('\n\n')}\n`;
}

function table(controller: string, permissions: Permission[]): string {
  const rows = [...rowsOf(controller, permissions)].map(
    ([group, { resources, limits, ...row }]) => {
      const what = resources.map(code).join(', ');
      const cells = [
        code(group.split(' ')[0] || 'core'),
        `${what}${limits}`,
        row.used.join(', '),
        row.unused.join(', '),
        [...new Set(row.reasons)].join('; '),
      ];
      return `| ${cells.join(' | ')} |`;
    },
  );
  return [
    '| API group | resources | verbs that the tests need | verbs besides | because |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** One row for the resources of a group that are treated alike. */
function rowsOf(controller: string, permissions: Permission[]): Map<string, Row> {
  const single = new Map<string, Row & { group: string }>();
  for (const permission of permissions) {
    const { group, resource, verb } = permission;
    const limits = limitsOf(permission);
    const key = `${group} ${resource} ${limits}`;
    const row = single.get(key) ?? {
      ...{ group, resources: [resource], limits },
      ...{ used: [], unused: [], reasons: [] },
    };
    single.set(key, row);
    const reason = reasonFor(controller, permission);
    if (reason === undefined) row.used.push(verb);
    else {
      row.unused.push(verb);
      row.reasons.push(reason);
    }
  }
  const merged = new Map<string, Row>();
  for (const { group, ...row } of single.values()) {
    const { resources, ...alike } = row;
    const key = `${group} ${JSON.stringify(alike)}`;
    const present = merged.get(key);
    if (present) present.resources.push(...resources);
    else merged.set(key, row);
  }
  return merged;
}

function limitsOf({ names, namespace }: Permission): string {
  const named = names ? ` named ${names.map(code).join(', ')}` : '';
  return `${named}${namespace ? ' in its own namespace' : ''}`;
}
