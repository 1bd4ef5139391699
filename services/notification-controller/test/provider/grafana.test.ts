import { afterAll, beforeAll, expect, test } from 'vitest';
import { grafanaCase } from './cases/grafana.ts';
import { type Bed, startBed } from './contract.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed([]);
});

afterAll(() => bed.close());

test.each([
  { name: 'the id of the annotation', body: '{"message":"added","id":12}', want: ['12'] },
  { name: 'nothing without an id', body: '{"message":"added"}', want: [] },
  { name: 'nothing of an id that is none', body: '{"id":"../x"}', want: [] },
  { name: 'nothing of an answer that is no JSON', body: '<html>', want: [] },
  { name: 'nothing of null', body: 'null', want: [] },
])('grafana remembers $name', async ({ body, want }) => {
  const answers = { 'POST /api/annotations/graphite': { status: 200, body } };
  expect(await bed.deliver(grafanaCase, { answers })).toEqual(want);
});
