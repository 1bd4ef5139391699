import type { KubeObject } from '@sluice/shared/api';
import {
  displayName,
  formatObjectId,
  inApplyOrder,
  inventoryOf,
  mergeInventories,
  type ObjectId,
  objectIdOf,
  parseObjectId,
  stagesOf,
  subtractInventory,
} from '@sluice/shared/engine';
import { describe, expect, it } from 'vitest';

function object(apiVersion: string, kind: string, name: string, namespace?: string): KubeObject {
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}

const rbac = 'rbac.authorization.k8s.io';

describe('ids', () => {
  const cases: { text: string; id: ObjectId }[] = [
    {
      text: 'apps_web_apps_Deployment',
      id: { namespace: 'apps', name: 'web', group: 'apps', kind: 'Deployment' },
    },
    { text: '_apps__Namespace', id: { namespace: '', name: 'apps', group: '', kind: 'Namespace' } },
    {
      text: 'a_web.v1__ConfigMap',
      id: { namespace: 'a', name: 'web.v1', group: '', kind: 'ConfigMap' },
    },
    {
      text: `_system__reader_${rbac}_ClusterRole`,
      id: { namespace: '', name: 'system:reader', group: rbac, kind: 'ClusterRole' },
    },
  ];
  it.each(cases)('$text is written and read', ({ text, id }) => {
    expect(formatObjectId(id)).toBe(text);
    expect(parseObjectId(text)).toEqual(id);
  });

  it.each(['', 'name', 'a_b', 'a_b_c'])("'%s' is refused", (text) => {
    expect(() => parseObjectId(text)).toThrow(`inventory id '${text}' must be`);
  });

  it('names objects for people', () => {
    const web = object('apps/v1', 'Deployment', 'web', 'apps');
    expect(displayName(web)).toBe('Deployment/apps/web');
    expect(displayName(objectIdOf(web))).toBe('Deployment/apps/web');
    expect(displayName(object('v1', 'Namespace', 'apps'))).toBe('Namespace/apps');
  });
});

describe('inventories', () => {
  const web = { id: 'a_web_apps_Deployment', v: 'v1' };
  const old = { id: 'a_old__ConfigMap', v: 'v1' };

  it('hold each object once, sorted', () => {
    const objects = [
      object('apps/v1', 'Deployment', 'web', 'a'),
      object('v1', 'ConfigMap', 'old', 'a'),
    ];
    expect(inventoryOf([...objects, ...objects])).toEqual([old, web]);
  });

  it('are joined, the first one deciding on versions', () => {
    expect(mergeInventories([web], [{ ...web, v: 'v1beta1' }, old])).toEqual([old, web]);
  });

  it('are subtracted whatever the versions', () => {
    expect(subtractInventory([web, old], [{ ...web, v: 'v2' }])).toEqual([old]);
  });
});

describe('stages', () => {
  const objects = [
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'hook'),
    object('apps/v1', 'Deployment', 'web', 'a'),
    object('v1', 'ConfigMap', 'settings', 'a'),
    object('v1', 'ServiceAccount', 'web', 'a'),
    object('example.com/v1', 'Widget', 'one', 'a'),
    object('gateway.networking.k8s.io/v1', 'GatewayClass', 'class'),
    object(`${rbac}/v1`, 'ClusterRole', 'role'),
    object('v1', 'Namespace', 'a'),
    object('example.com/v1', 'Namespace', 'not-a-namespace', 'a'),
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'widgets.example.com'),
  ];
  const kinds = (o?: { customStageKinds?: string[] }) =>
    stagesOf(objects, o).map((stage) =>
      stage.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    );

  it('put definitions first, then classes, then the rest, webhooks last', () => {
    expect(kinds()).toEqual([
      ['CustomResourceDefinition widgets.example.com', 'Namespace a', 'ClusterRole role'],
      ['GatewayClass class'],
      [
        'Namespace not-a-namespace',
        'ServiceAccount web',
        'ConfigMap settings',
        'Deployment web',
        'Widget one',
      ],
      ['ValidatingWebhookConfiguration hook'],
    ]);
  });

  it('put custom kinds before the rest', () => {
    const stages = kinds({ customStageKinds: ['example.com/Widget', 'ConfigMap'] });
    expect(stages[2]).toEqual(['ConfigMap settings', 'Widget one']);
    expect(stages[3]).not.toContain('Widget one');
  });

  it('are the order of an inventory, by namespace and name within a kind', () => {
    const ids = [
      '_hook_admissionregistration.k8s.io_ValidatingWebhookConfiguration',
      'unreadable',
      'a_b_example.com_Widget',
      'a_web_apps_Deployment',
      'a-b_web__Service',
      'a_web__Service',
      'a_api__Service',
      '_class_gateway.networking.k8s.io_GatewayClass',
      '_role_rbac.authorization.k8s.io_ClusterRole',
      '_a__Namespace',
    ];
    const ordered = (o = {}) =>
      inApplyOrder(
        ids.map((id) => ({ id, v: 'v1' })),
        o,
      ).map(({ id }) => id);
    const expected = [
      '_a__Namespace',
      '_role_rbac.authorization.k8s.io_ClusterRole',
      '_class_gateway.networking.k8s.io_GatewayClass',
      'a_api__Service',
      'a_web__Service',
      'a-b_web__Service',
      'a_web_apps_Deployment',
      'a_b_example.com_Widget',
      '_hook_admissionregistration.k8s.io_ValidatingWebhookConfiguration',
      'unreadable',
    ];
    expect(ordered()).toEqual(expected);
    const widget = 'a_b_example.com_Widget';
    const others = expected.filter((id) => id !== widget);
    const early = [...others.slice(0, 3), widget, ...others.slice(3)];
    expect(ordered({ customStageKinds: ['example.com/Widget'] })).toEqual(early);
  });
});
