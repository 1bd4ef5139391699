import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accepted } from './fidelity/accepted.ts';
import { fidelityCases } from './fidelity/cases.ts';
import { type Outcome, type Outcomes, reconcileAll } from './fidelity/outcome.ts';
import { type FidelityWorld, startFidelityWorld } from './fidelity/world.ts';

/** The same artifacts and Kustomizations, first with Flux's controller and then, once all is pruned, with ours. */
describe("our kustomize-controller makes what Flux's makes of", () => {
  let world: FidelityWorld | undefined;
  let theirs: Outcomes;
  let ours: Outcomes;
  beforeAll(async () => {
    world = await startFidelityWorld();
    theirs = await reconcileAll(world, 'flux', { isLast: false });
    ours = await reconcileAll(world, 'ours', { isLast: true });
  }, 600_000);
  afterAll(() => world?.stop());

  const outcomesOf = (id: string) => {
    const [flux, own] = [theirs.get(id), ours.get(id)];
    if (flux === undefined || own === undefined) throw new Error(`${id} has no outcome`);
    return { flux, own };
  };
  /** What of an outcome is compared: each refuses in its own words. */
  const compared = ({ ready, inventory, objects }: Outcome) => ({ ready, inventory, objects });

  test.each(fidelityCases.filter(({ name }) => !(name in accepted)))('$name', ({ id }) => {
    const { flux, own } = outcomesOf(id);
    const said = `Flux: ${flux.reason} ${flux.message}\nours: ${own.reason} ${own.message}`;
    expect(compared(own), said).toEqual(compared(flux));
  });

  test.each(fidelityCases.filter(({ name }) => name in accepted))(
    '$name, but for what is meant',
    ({ id, name }) => {
      const { flux, own } = outcomesOf(id);
      const aspects = (['ready', 'inventory', 'objects'] as const).filter(
        (aspect) => !isDeepStrictEqual(own[aspect], flux[aspect]),
      );
      expect(aspects).toEqual(accepted[name]?.aspects);
    },
  );

  test('differences that are meant are those of cases that there are', () => {
    const names = fidelityCases.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(accepted)));
  });
});
