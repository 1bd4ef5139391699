interface Subject {
  kind?: string;
  metadata: { name?: string; namespace?: string; generation?: number };
  status?: { observedGeneration?: number; conditions?: SubjectCondition[] };
}

interface SubjectCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

/**
 * Throws unless the status of a settled object keeps the rules that clients rely on (kstatus and Flux).
 *
 * @param object any object with `status.conditions`
 * @throws Error that lists every broken rule
 * @see https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export function assertStatusContract(object: object): void {
  const broken = brokenRules(object as Subject);
  if (broken.length === 0) return;
  const { kind, metadata, status } = object as Subject;
  throw new Error(
    `${kind} ${metadata.namespace ?? ''}/${metadata.name} breaks the status contract:\n` +
      `${broken.map((rule) => `- ${rule}`).join('\n')}\n${JSON.stringify(status, null, 2)}`,
  );
}

function brokenRules(object: Subject): string[] {
  const conditions = object.status?.conditions ?? [];
  const is = (type: string, status: string) =>
    conditions.some((c) => c.type === type && c.status === status);
  const generation = object.metadata.generation ?? 0;
  const observed = object.status?.observedGeneration ?? 0;
  const rules: [boolean, string][] = [
    [conditions.some((c) => c.type === 'Ready'), 'Ready is present'],
    [observed <= generation, `observedGeneration ${observed} <= generation ${generation}`],
    [
      !(is('Reconciling', 'True') && is('Stalled', 'True')),
      'Reconciling and Stalled exclude each other',
    ],
    [!(is('Ready', 'True') && is('Reconciling', 'True')), 'Ready is not True while Reconciling'],
    [!(is('Ready', 'True') && is('Stalled', 'True')), 'Ready is not True while Stalled'],
    [
      !is('Ready', 'True') || observed === generation,
      `Ready=True only for the observed generation (${observed}, generation ${generation})`,
    ],
    [!is('Stalled', 'True') || is('Ready', 'False'), 'Stalled=True comes with Ready=False'],
    [
      !conditions.some((c) => c.type === 'Reconciling' || c.type === 'Stalled') ||
        conditions.every(
          (c) => !['Reconciling', 'Stalled'].includes(c.type) || c.status === 'True',
        ),
      'Reconciling and Stalled are absent unless True',
    ],
    [
      new Set(conditions.map((c) => c.type)).size === conditions.length,
      'every condition type occurs once',
    ],
    ...conditions.flatMap((condition) => conditionRules(condition, generation)),
  ];
  return rules.filter(([kept]) => !kept).map(([, rule]) => rule);
}

function conditionRules(condition: SubjectCondition, generation: number): [boolean, string][] {
  const { type, status, reason = '', lastTransitionTime = '', observedGeneration = 0 } = condition;
  return [
    [['True', 'False', 'Unknown'].includes(status), `${type}: status is True, False or Unknown`],
    [
      /^[A-Z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(reason),
      `${type}: reason ${reason} is CamelCase`,
    ],
    [typeof condition.message === 'string', `${type}: has a message`],
    [(condition.message ?? '').length <= 32_768, `${type}: message within 32768 characters`],
    [
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(lastTransitionTime),
      `${type}: lastTransitionTime ${lastTransitionTime} is in whole seconds, UTC`,
    ],
    [
      Date.parse(lastTransitionTime) <= Date.now() + 60_000,
      `${type}: lastTransitionTime is not in the future`,
    ],
    [
      observedGeneration <= generation,
      `${type}: observedGeneration ${observedGeneration} <= generation ${generation}`,
    ],
  ];
}
