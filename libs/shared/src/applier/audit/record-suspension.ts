import {
  type KubeObject,
  suspendByAnnotation,
  suspendReasonAnnotation,
  suspendUntilAnnotation,
} from '@sluice/shared/api';
import type { SuspensionListener } from '@sluice/shared/runtime';
import type { Audit } from './audit.ts';

/** Makes what records suspensions, with what their annotations say of them. */
export function recordSuspensions<T extends KubeObject>(audit: Audit): SuspensionListener<T> {
  return async ({ type, object, generation, text }) => {
    if (!audit.enabled) return;
    const { annotations = {} } = object.metadata;
    const by = annotations[suspendByAnnotation];
    const until = annotations[suspendUntilAnnotation];
    const reason = annotations[suspendReasonAnnotation];
    const said = [...(until ? [`until ${until}`] : []), ...(reason ? [reason] : [])].join(': ');
    const why = text ?? (type === 'suspend' ? said : '');
    await audit.record({
      action: type,
      object,
      occasion: [generation],
      ...(by && type === 'suspend' && { users: [by] }),
      ...(why !== '' && { why: { text: why } }),
    });
  };
}
