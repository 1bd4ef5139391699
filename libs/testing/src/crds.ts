import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import { type ApiAccess, expectSuccess, openApi } from './api-access.ts';

interface Definition {
  kind?: string;
  metadata: { name: string };
  status?: { conditions?: { type: string; status: string }[] };
}

const establishTimeoutMs = 30_000;
const collection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/**
 * Applies every CustomResourceDefinition below `charts/…/files/crds` and waits until each is established.
 *
 * @param root the repository
 * @param kubeconfigPath a kubeconfig of this test bed
 * @returns the names applied
 * @throws Error naming the definition that was refused or did not become established
 */
export async function installCrds(root: string, kubeconfigPath: string): Promise<string[]> {
  const definitions: Definition[] = [];
  for await (const file of glob('charts/*/files/crds/*.yaml', { cwd: root })) {
    const documents = loadAll(await readFile(join(root, file), 'utf8')) as (Definition | null)[];
    definitions.push(
      ...(documents.filter((d) => d?.kind === 'CustomResourceDefinition') as Definition[]),
    );
  }
  const api = await openApi(kubeconfigPath);
  try {
    const results = await Promise.allSettled(definitions.map((each) => install(api, each)));
    const refused = results.filter((result) => result.status === 'rejected');
    if (refused.length > 0) throw new Error(refused.map((r) => String(r.reason)).join('\n'));
  } finally {
    await api.close();
  }
  return definitions.map((definition) => definition.metadata.name);
}

async function install(api: ApiAccess, definition: Definition): Promise<void> {
  const { name } = definition.metadata;
  const path = `${collection}/${name}`;
  const reply = await api.send('PATCH', `${path}?fieldManager=test-bed&force=true`, definition);
  expectSuccess(reply, `CustomResourceDefinition ${name}`);
  const deadline = Date.now() + establishTimeoutMs;
  while (!isEstablished((await api.send('GET', path)).body as Definition)) {
    if (Date.now() > deadline) throw new Error(`CustomResourceDefinition ${name}: not established`);
    await delay(50);
  }
}

function isEstablished(definition: Definition): boolean {
  const conditions = definition.status?.conditions ?? [];
  return conditions.some((c) => c.type === 'Established' && c.status === 'True');
}
