import { describe, expect, test } from 'vitest';
import { apiVersionsOf } from '../../src/render/discovery.ts';

const kind = (name: string) => ({ responseKind: { kind: name } });

const core = {
  items: [{ metadata: {}, versions: [{ version: 'v1', resources: [kind('Pod'), kind('Node')] }] }],
};
const groups = {
  items: [
    {
      metadata: { name: 'apps' },
      versions: [
        {
          version: 'v1',
          resources: [{ ...kind('Deployment'), subresources: [kind('Scale'), {}] }],
        },
        { version: 'v1beta1', resources: [] },
      ],
    },
    { metadata: { name: 'gone.example' }, versions: [{ version: 'v1', freshness: 'Stale' }] },
  ],
};

const all = [
  'apps/v1',
  'apps/v1/Deployment',
  'apps/v1/Scale',
  'apps/v1beta1',
  'v1',
  'v1/Node',
  'v1/Pod',
];

describe('API versions', () => {
  test('are the versions and kinds that answer, those of subresources included', () => {
    expect([...apiVersionsOf([core, groups])].sort()).toEqual(all);
  });
});
