#!/usr/bin/env node
import { createKubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { runCli } from './run.ts';
import { createTerminal } from './terminal.ts';

/** Where the flux CLI looks when neither it nor the context is told a namespace. */
const defaultNamespace = 'flux-system';
const terminal = createTerminal(process, () => process.exit());

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  terminal,
  connect(invocation) {
    const config = loadKubeConfig(invocation.kubeconfig);
    const client = createKubeClient(config, { userAgent: 'flux-sluice' });
    const namespace = invocation.namespace ?? config.namespace ?? defaultNamespace;
    return { invocation, client, namespace, terminal, env: process.env, now: Date.now };
  },
});
