import { readFile } from 'node:fs/promises';
import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { controllerNames, until, untilGone } from '@sluice/testing';
import { expect } from 'vitest';
import { timeoutMs } from '../world.ts';
import { inFlux, kinds } from './objects.ts';
import { type CliStep, type CliWorld, fluxNamespace } from './world.ts';

interface Workload extends KubeObject {
  spec: { template: { spec: { containers: { name: string; image: string; args: string[] }[] } } };
  status?: { readyReplicas?: number };
}

const crds = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };

async function deploymentOf(cli: CliWorld, name: string): Promise<Workload> {
  const resource = await cli.resource(kinds.deployment);
  const isReady = ({ status }: Workload) => status?.readyReplicas === 1;
  return until<Workload>(cli.client, resource, inFlux(name), isReady, { timeoutMs });
}

/** Commands about the installation itself. */
export const installSteps: CliStep[] = [
  {
    name: 'check finds the controllers ready and every definition stored',
    async run(cli) {
      for (const name of controllerNames) await deploymentOf(cli, name);
      const text = await cli.flux('check', '--poll-interval=100ms');
      for (const name of controllerNames) expect(text).toContain(`${name}: deployment ready`);
      expect(text).toMatch(/distribution: flux-v\d+\.\d+\.\d+/);
      expect(text).toContain('bootstrapped: false');
      expect(text).toContain('kustomizations.kustomize.toolkit.fluxcd.io/v1\n');
      expect(text).toContain('all checks passed');
    },
  },
  {
    name: 'version names each controller by its image',
    async run(cli) {
      const { stdout } = await cli.run('version', '--output=json');
      const versions = JSON.parse(stdout) as Record<string, string>;
      const [version] = new Set(controllerNames.map((name) => versions[name]));
      expect(version).toMatch(/^v\d+\.\d+\.\d+$/);
      expect(versions).toMatchObject(Object.fromEntries(controllerNames.map((n) => [n, version])));
      expect(versions['distribution']).toMatch(/^flux-v/);
    },
  },
  {
    name: 'logs prints the lines of the controllers, by level, kind, name and namespace',
    async run(cli) {
      const { processes } = cli.controllers;
      for (const name of controllerNames) {
        cli.node.logs.set(`${name}-`, () => readFile(processes[name].logFile, 'utf8'));
      }
      const errors = await cli.run(
        ...['logs', '--kind=Kustomization', '--name=failing', '--level=error', '--since=1h'],
      );
      expect(errors.text).toMatch(
        /^\d{4}-\d\d-\d\dT\S+Z error Kustomization\/failing\.flux-system - .+Not_A_Name/m,
      );
      expect(errors.text.split('\n').every((line) => line === '' || line.includes(' error '))).toBe(
        true,
      );
      const written = await Promise.all(controllerNames.map((name) => processes[name].log()));
      const all = await cli.flux('logs', '--all-namespaces', '--tail=1000');
      for (const kind of [
        'GitRepository',
        'OCIRepository',
        'HelmChart',
        'HelmRelease',
        'Receiver',
      ]) {
        expect(all).toContain(` ${kind}/`);
      }
      expect(all).not.toContain('parse error');
      expect(all.trim().split('\n').length).toBeGreaterThanOrEqual(written.flat().length);
    },
  },
  {
    name: 'migrate brings every object to the version that is stored',
    async run(cli) {
      const text = await cli.flux('migrate');
      expect(text).toContain('Kustomization/flux-system/apps migrated to version v1');
      expect(text).toContain('HelmRelease/flux-system/shop migrated to version v2');
      expect(text).toContain('custom resources migrated successfully');
    },
  },
];

/** What other clients than the flux program read. */
export const otherClientSteps: CliStep[] = [
  {
    name: 'Headlamp and Capacitor find the Pods of each controller by the label app',
    async run(cli) {
      for (const name of controllerNames) {
        const { items } = await cli.client.list<KubeObject>(
          await cli.resource({ apiVersion: 'v1', kind: 'Pod' }),
          { namespace: fluxNamespace, labelSelector: `app=${name}` },
        );
        expect([name, items.length]).toEqual([name, 1]);
      }
    },
  },
  {
    name: 'the Terraform provider reads the flags of kustomize-controller, each with its value',
    async run(cli) {
      const object = await deploymentOf(cli, 'kustomize-controller');
      const manager = object.spec.template.spec.containers.find(({ name }) => name === 'manager');
      expect(manager?.args).toContain('--watch-all-namespaces=true');
      expect(manager?.args).toContain('--log-level=info');
      expect(manager?.args.find((arg) => arg.startsWith('--events-addr='))).toMatch(
        /^--events-addr=http:\/\/notification-controller\.flux-system\.svc\.cluster\.local\.?\/?$/,
      );
      expect(object.metadata.labels?.['app.kubernetes.io/version']).toMatch(/^v\d+\.\d+\.\d+$/);
    },
  },
  {
    name: 'the UI of flux-operator reads inventories, and fetches artifacts from a DNS name without redirects',
    async run(cli) {
      const { spec } = await deploymentOf(cli, 'source-controller');
      expect(spec.template.spec.containers[0]?.args).toContain(
        '--storage-adv-addr=source-controller.flux-system.svc.cluster.local.',
      );
      const release = await cli.find<HelmRelease>(kinds.helmRelease, inFlux('shop'));
      expect(release?.status?.inventory?.entries.map(({ id }) => id).sort()).toEqual([
        'apps_release_apps_Deployment',
        'apps_values__ConfigMap',
      ]);
      const source = await cli.find<KubeObject & { status: { artifact: { url: string } } }>(
        kinds.git,
        inFlux('shop'),
      );
      const reply = await fetch(source?.status.artifact.url as string, { redirect: 'manual' });
      expect(reply.status).toBe(200);
      await reply.body?.cancel();
    },
  },
];

/** The end: nothing of Sluice is left, and all that it applied. */
export const uninstallSteps: CliStep[] = [
  {
    name: 'uninstall --dry-run says what would go and changes nothing',
    async run(cli) {
      const text = await cli.flux('uninstall', '--dry-run');
      for (const name of controllerNames) {
        expect(text).toContain(`Deployment/${fluxNamespace}/${name} deleted (dry run)`);
      }
      expect(text).toContain('Kustomization/flux-system/apps finalizers deleted (dry run)');
      expect(text).not.toContain('✗');
      expect(await cli.find(kinds.kustomization, inFlux('apps'))).toMatchObject({
        metadata: { finalizers: ['finalizers.fluxcd.io'] },
      });
    },
  },
  {
    name: 'uninstall removes controllers, objects, definitions and namespace, and no workload',
    async run(cli) {
      // Deleting the Deployments ends the controllers in a cluster whose Pods are real.
      await cli.controllers.stop();
      const text = await cli.flux('uninstall', '--silent');
      expect(text).not.toContain('✗');
      const resource = await cli.resource(crds);
      const { items } = await cli.client.list<KubeObject>(resource, {
        labelSelector: 'app.kubernetes.io/part-of=flux',
      });
      for (const { metadata } of items) {
        await untilGone(cli.client, resource, { name: metadata.name }, { timeoutMs });
      }
      const left = await cli.find({ apiVersion: 'v1', kind: 'Namespace' }, { name: fluxNamespace });
      expect(left === undefined || left.metadata.deletionTimestamp !== undefined).toBe(true);
      const web = { namespace: 'apps', name: 'web' };
      expect(await cli.find(kinds.deployment, web)).toMatchObject({ spec: { replicas: 1 } });
      const release = { ...web, name: 'release' };
      expect(await cli.find(kinds.deployment, release)).toMatchObject({ spec: { replicas: 1 } });
    },
  },
];
