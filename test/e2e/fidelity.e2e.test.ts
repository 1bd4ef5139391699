import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accepted, acceptedWhereLenient } from './fidelity/accepted.ts';
import { corpusCases } from './fidelity/cases.ts';
import { type Outcome, type Outcomes, reconcileAll } from './fidelity/outcome.ts';
import { substitutionCases } from './fidelity/substitution-inputs.ts';
import { type FidelityWorld, type Side, startFidelityWorld } from './fidelity/world.ts';

const allCases = [...corpusCases, ...substitutionCases];

let world: FidelityWorld | undefined;
/** What each has made of the cases, and of those with variables where variables need not be set. */
const strict: Partial<Record<Side, Outcomes>> = {};
const lenient: Partial<Record<Side, Outcomes>> = {};
/** The same artifacts and Kustomizations, first with Flux's controller and then, once all is pruned, with ours. */
beforeAll(async () => {
  world = await startFidelityWorld();
  const withVariables = { cases: substitutionCases, isStrict: false };
  lenient.flux = await reconcileAll(world, { ...withVariables, side: 'flux' });
  lenient.ours = await reconcileAll(world, { ...withVariables, side: 'ours' });
  const all = { cases: allCases, isStrict: true };
  strict.flux = await reconcileAll(world, { ...all, side: 'flux' });
  strict.ours = await reconcileAll(world, { ...all, side: 'ours', isLast: true });
}, 600_000);
afterAll(() => world?.stop());

function outcomesOf(id: string, of: Partial<Record<Side, Outcomes>>) {
  const [flux, own] = [of.flux?.get(id), of.ours?.get(id)];
  if (flux === undefined || own === undefined) throw new Error(`${id} has no outcome`);
  return { flux, own };
}

/** What of an outcome is compared: each refuses in its own words. */
const compared = ({ ready, inventory, objects }: Outcome) => ({ ready, inventory, objects });

function expectEqual({ flux, own }: ReturnType<typeof outcomesOf>): void {
  const said = `Flux: ${flux.reason} ${flux.message}\nours: ${own.reason} ${own.message}`;
  expect(compared(own), said).toEqual(compared(flux));
}

/** In what two outcomes differ. */
const differences = ({ flux, own }: ReturnType<typeof outcomesOf>) =>
  (['ready', 'inventory', 'objects'] as const).filter(
    (aspect) => !isDeepStrictEqual(own[aspect], flux[aspect]),
  );

describe("our kustomize-controller makes what Flux's makes of", () => {
  test.each(allCases.filter(({ name }) => !(name in accepted)))('$name', ({ id }) => {
    expectEqual(outcomesOf(id, strict));
  });

  test.each(allCases.filter(({ name }) => name in accepted))(
    '$name, but for what is meant',
    ({ id, name }) => {
      expect(differences(outcomesOf(id, strict))).toEqual(accepted[name]?.aspects);
    },
  );

  test('differences that are meant are those of cases that there are', () => {
    const names = allCases.map(({ name }) => name);
    const meant = [accepted, acceptedWhereLenient].flatMap(Object.keys);
    expect(names).toEqual(expect.arrayContaining(meant));
  });
});

describe('and where variables need not be set, of', () => {
  const isMeant = ({ name }: { name: string }) => name in acceptedWhereLenient;

  test.each(substitutionCases.filter((one) => !isMeant(one)))('$name', ({ id }) => {
    expectEqual(outcomesOf(id, lenient));
  });

  test.each(substitutionCases.filter(isMeant))('$name, but for what is meant', ({ id, name }) => {
    expect(differences(outcomesOf(id, lenient))).toEqual(acceptedWhereLenient[name]?.aspects);
  });

  test('a variable that is not set, something else than where it has to be', () => {
    const [unset] = substitutionCases.filter(
      ({ name }) => name === 'a variable: an unset variable',
    );
    const id = unset?.id ?? '';
    expect(outcomesOf(id, strict).flux.ready).toBe('False');
    expect(outcomesOf(id, lenient).flux.ready).toBe('True');
  });
});
