import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditRecord } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { auditRecords, type Bus, connectBus } from '@sluice/shared/bus';
import { type AppliedKind, type ApplierBed, shardLabel } from './applier-bed.ts';
import { type ControllerName, startControllers } from './controllers.ts';
import { type Death, startKillProxy } from './kill-proxy.ts';
import { startNats } from './nats.ts';

/** Flags of a bed whose own controller has nothing to do, so that a process does its work. */
export const idleFlags = [`--watch-label-selector=${shardLabel}=none`];

/** A controller as a process, with the objects of a bed, which dies at once when a test says so. */
export interface KilledController {
  /** Plans a death; resolves when the process is gone. */
  dieAt(death: Death): Promise<void>;
  /** Has the process die at the nth request from now on that changes something, and another one start at once. */
  killAtWrite(nth: number): Promise<void>;
  /** SIGKILL, and another process. */
  restart(): Promise<void>;
  /** How often a process was killed by {@link killAtWrite}. */
  readonly kills: number;
  /** Takes back what was planned, and waits until a process that was to be replaced is. */
  settle(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts another process, unless one runs. */
  revive(): Promise<void>;
  /** All that the audit trail holds of an object, the oldest record first. */
  trail(object: AuditRecord['object']): Promise<AuditRecord[]>;
  stop(): Promise<void>;
}

/** Most records of an object that a test makes. */
const maxRecords = 1000;

/**
 * Starts it, with a NATS server of its own.
 *
 * @param bed whose own controller was started with {@link idleFlags}
 * @param o.args more flags
 */
export async function startKilledController<T extends AppliedKind>(
  bed: Pick<ApplierBed<T>, 'namespace' | 'kubeconfigPath' | 'dir'>,
  o: { name: ControllerName; args: string[] },
): Promise<KilledController> {
  const { name } = o;
  const nats = await startNats();
  const bus = connectBus({ url: nats.url, name: 'test', owns: ['audit'], logger: silentLogger });
  const dir = await mkdtemp(join(bed.dir, 'killed-'));
  const proxy = await startKillProxy(bed.kubeconfigPath, () => process().kill());
  const kubeconfigPath = join(dir, 'kubeconfig');
  await writeFile(kubeconfigPath, proxy.kubeconfig);
  const controllers = await startControllers({
    dir,
    kubeconfigPath,
    natsUrl: nats.url,
    names: [name],
    extraArgs: {
      [name]: [
        `--watch-label-selector=${shardLabel}=${bed.namespace}`,
        '--least-interval=10ms',
        '--min-retry-delay=100ms',
        '--requeue-dependency=1h',
        ...o.args,
      ],
    },
  });
  const process = () => controllers.processes[name];
  let kills = 0;
  let replaced: Promise<void> = Promise.resolve();
  const settle = async () => {
    // What was yet to come does not come any more.
    if (proxy.spare()) replaced = Promise.resolve();
    await replaced;
  };
  return {
    dieAt: (death) => proxy.killAt(death),
    async killAtWrite(nth) {
      await settle();
      replaced = proxy.killAtWrite(nth, kills % 2 === 0 ? 'before' : 'after').then(() => {
        kills++;
        return process().start();
      });
    },
    get kills() {
      return kills;
    },
    settle,
    kill: () => process().kill(),
    async revive() {
      if (process().pid === undefined) await process().start();
    },
    async restart() {
      await settle();
      await process().kill();
      await process().start();
    },
    trail: (object) => trailOf(bus, object),
    async stop() {
      await controllers.stop();
      await proxy.close();
      await bus.close();
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function trailOf(bus: Bus, object: AuditRecord['object']): Promise<AuditRecord[]> {
  return (await auditRecords(bus, object, { limit: maxRecords })).reverse();
}
