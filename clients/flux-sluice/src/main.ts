#!/usr/bin/env node
import { silentLogger } from '@sluice/shared/base';
import { connectBus } from '@sluice/shared/bus';
import { createKubeClient, loadKubeConfig } from '@sluice/shared/kube';
import type { NatsAddress } from './config.ts';
import { runCli } from './run.ts';
import { createTerminal } from './terminal.ts';

/** Where the flux CLI looks when neither it nor the context is told a namespace. */
const defaultNamespace = 'flux-system';
const openBus = (address: NatsAddress) =>
  connectBus({ ...address, owns: [], logger: silentLogger });
const terminal = createTerminal(process, () => process.exit());

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  terminal,
  connect(invocation) {
    const config = loadKubeConfig(invocation.kubeconfig);
    const client = createKubeClient(config, { userAgent: 'flux-sluice' });
    const namespace = invocation.namespace ?? config.namespace ?? defaultNamespace;
    return { invocation, client, namespace, terminal, openBus, env: process.env, now: Date.now };
  },
});
