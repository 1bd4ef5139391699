import type { Condition, KustomizationStatus } from '@sluice/shared/api';
import type { SecretMasker } from '@sluice/shared/base';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Audit } from '../audit/audit.ts';
import type { Controlled } from './admit.ts';
import type { StoredPlans } from './stored-plans.ts';

type Status = Pick<KustomizationStatus, 'plan' | 'held' | 'change' | 'rollback'>;

/** The parts of a reconcile that tell of a change that waits. */
export interface Holding {
  ctx: Pick<ReconcileContext<Controlled>, 'client' | 'event' | 'key' | 'object'> & {
    status: {
      status: Status;
      getCondition(type: string): Condition | undefined;
      setCondition(condition: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>): void;
      removeCondition(type: string): void;
    };
  };
  audit: Audit;
  storedPlans: StoredPlans;
  controllerName: string;
  masker: SecretMasker;
  revision: string;
  /** When something was last applied with success, RFC 3339; what is told in the trail is told once for it. */
  appliedAt: string | undefined;
  /** Metadata of events. */
  metadata: Record<string, string>;
  signal: AbortSignal;
}
