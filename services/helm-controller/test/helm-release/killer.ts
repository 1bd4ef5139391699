import type { KubeClient } from '@sluice/shared/kube';
import type { Moment } from '@sluice/testing';
import { type Call, wrapped } from '../action/wrapped-client.ts';

/** A request that changes something, and how many like it came before. */
export interface Step {
  /** As `apply ConfigMap/web`, with `NAME` in place of the release's name. */
  call: string;
  occurrence: number;
  /** Whether the server did what it was asked for. */
  done: boolean;
}

const reads = ['get ', 'list '];
const nameInCall = /\bk\d+[ab]\b/;

interface Plan {
  step: Step;
  moment: Moment;
  dead: () => void;
}

/**
 * Lets the controller die for one release at a time: from the step on at which a release was told to die, nothing that
 * this controller wants to change for it reaches the cluster any more. The names of such releases are `k<number>a` and
 * `k<number>b`, and all that belongs to them has names that contain those.
 */
export class Killer {
  readonly #plans = new Map<string, Plan>();
  readonly #made = new Map<string, Step[]>();

  /** Returns the client of a controller; it dies with the releases that die under it. */
  wrap(client: KubeClient): KubeClient {
    const dead = new Set<string>();
    const steps = new Map<string, Step>();
    return wrapped(client, {
      before: (call) => {
        const name = nameIn(call);
        if (name === undefined) return;
        if (dead.has(name)) throw new Error('killed');
        const step = this.#note(name, call);
        steps.set(`${name} ${call}`, step);
        this.#check(name, 'before', step, dead);
      },
      after: (call) => {
        const name = nameIn(call);
        const step = name && steps.get(`${name} ${call}`);
        if (!name || !step) return;
        step.done = true;
        this.#check(name, 'after', step, dead);
      },
    });
  }

  /** Begins to count the steps of a release anew. */
  record(name: string): void {
    this.#made.set(name, []);
  }

  /** Returns the steps of a release since {@link record}. */
  stepsOf(name: string): Step[] {
    return this.#made.get(name) ?? [];
  }

  /** Plans the death of a release; resolves when it has come. */
  plan(name: string, step: Step, moment: Moment): Promise<void> {
    this.record(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#plans.set(name, { step, moment, dead: resolve });
    return promise;
  }

  #note(name: string, call: Call): Step {
    const made = this.#made.get(name) ?? [];
    const general = call.replaceAll(name, 'NAME');
    const occurrence = made.filter((step) => step.call === general).length + 1;
    const step = { call: general, occurrence, done: false };
    made.push(step);
    return step;
  }

  #check(name: string, moment: Moment, step: Step, dead: Set<string>): void {
    const plan = this.#plans.get(name);
    if (plan === undefined || plan.moment !== moment) return;
    if (plan.step.call !== step.call || plan.step.occurrence !== step.occurrence) return;
    this.#plans.delete(name);
    dead.add(name);
    plan.dead();
    throw new Error('killed');
  }
}

/** Returns the release that a request changes something of; undefined when it only reads. */
function nameIn(call: Call): string | undefined {
  return reads.some((verb) => call.startsWith(verb)) ? undefined : nameInCall.exec(call)?.[0];
}
