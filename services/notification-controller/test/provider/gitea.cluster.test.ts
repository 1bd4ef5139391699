import type { FluxEvent, ProviderSpec } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deliverTo } from './deliver-to.ts';
import { type GiteaServer, giteaIsMissing, startGitea } from './gitea-server.ts';

const missing = giteaIsMissing();
if (missing) console.warn(`the tests against Gitea are skipped: ${missing}`);
let gitea: GiteaServer;

beforeAll(async () => {
  if (missing === undefined) gitea = await startGitea();
});

afterAll(() => gitea?.stop());

const unknown = '69b59063470310ebbd88a9156325322a124e55a3';

async function deliver(
  type: ProviderSpec['type'],
  event: Partial<FluxEvent>,
  o: { token?: string; address?: string } = {},
): Promise<void> {
  const spec = { type, address: o.address ?? gitea.repository, secretRef: { name: 'secret' } };
  await deliverTo(spec, { token: o.token ?? gitea.token }, event);
}

const failure = (error: Promise<void>) => error.catch((reason: unknown) => reason);

describe.skipIf(missing !== undefined)('a commit status at a real Gitea', () => {
  const about = (change: Partial<FluxEvent> = {}) => ({
    metadata: { revision: `main@sha1:${gitea.commit}` },
    ...change,
  });
  const statuses = async () => {
    const all = await gitea.get<{ id: number; status: string; context: string }[]>(
      `commits/${gitea.commit}/statuses?limit=50`,
    );
    return all.toSorted((a, b) => a.id - b.id).map(({ status }) => status);
  };

  test('is set once for what is said, however often it is said, and anew when it changes', async () => {
    const goesOn = about({ reason: 'Progressing' });
    const failed = about({ severity: 'error', reason: 'HealthCheckFailed' });
    for (const event of [goesOn, goesOn, about(), about(), failed, failed, goesOn, about()]) {
      await deliver('gitea', event);
    }
    expect(await statuses()).toEqual(['pending', 'success', 'failure', 'pending', 'success']);
    const { state } = await gitea.get<{ state: string }>(`commits/${gitea.commit}/status`);
    expect(state).toBe('success');
  });

  test.each([
    { name: 'a bad token', o: { token: 'canary' }, says: 'status 401' },
    { name: 'an unknown repository', o: { repository: 'none' }, says: 'status 404' },
    { name: 'an unknown commit', o: { commit: unknown }, says: 'status 404' },
  ])('is tried again after $name', async ({ o, says }) => {
    const address = gitea.repository.replace(/shop$/, o.repository ?? 'shop');
    const metadata = { revision: `main@sha1:${o.commit ?? gitea.commit}` };
    const error = await failure(deliver('gitea', { metadata }, { token: o.token, address }));
    expect(error).toMatchObject({ permanent: false, message: expect.stringContaining(says) });
    expect(String(error)).not.toContain('canary');
  });
});

describe.skipIf(missing !== undefined)('a comment at a real Gitea', () => {
  const about = (message: string, o: { request?: string; name?: string } = {}) => ({
    message,
    metadata: { change_request: o.request ?? gitea.pullRequest },
    involvedObject: { kind: 'Kustomization', namespace: 'apps', name: o.name ?? 'web' },
  });
  const comments = () => gitea.get<{ body: string }[]>(`issues/${gitea.pullRequest}/comments`);

  test('is there once for each object, and says the last that was said', async () => {
    for (const message of ['first', 'second', 'third'])
      await deliver('giteapullrequestcomment', about(message));
    await deliver('giteapullrequestcomment', about('of another', { name: 'api' }));
    const bodies = (await comments()).map(({ body }) => body);
    expect(bodies).toHaveLength(2);
    expect(bodies[0]).toContain('third');
    expect(bodies[0]).not.toContain('second');
    expect(bodies[1]).toContain('of another');
  });

  test.each([
    { name: 'a bad token', o: { token: 'canary' }, says: 'status 401' },
    { name: 'an unknown repository', o: { repository: 'none' }, says: 'status 404' },
    // Gitea takes it for an error of its own.
    { name: 'an unknown pull request', o: { request: '99' }, says: 'status ' },
  ])('is tried again after $name', async ({ o, says }) => {
    const address = gitea.repository.replace(/shop$/, o.repository ?? 'shop');
    const event = about('lost', o);
    const error = await failure(
      deliver('giteapullrequestcomment', event, { token: o.token, address }),
    );
    expect(error).toMatchObject({ permanent: false, message: expect.stringContaining(says) });
    expect(JSON.stringify(await comments())).not.toContain('lost');
  });
});
