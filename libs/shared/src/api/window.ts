import type { Static } from 'typebox';
import { bool, duration, enumOf, list, object, opt, str, strList, strMap } from './builders.ts';
import { deliveryKindBase } from './delivery-common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';

const labelSelector = object(
  'Labels of the Kustomizations and HelmReleases it is for; all of them when unset.',
  {
    matchLabels: opt(strMap('Labels to have.', 'Value of the label named by the key.')),
    matchExpressions: opt(
      list(
        'Conditions on labels, all of which have to hold.',
        object('A condition on one label.', {
          key: str('Name of the label.'),
          operator: enumOf('How its value relates to the given ones.', [
            'In',
            'NotIn',
            'Exists',
            'DoesNotExist',
          ]),
          values: opt(strList('Values, for In and NotIn.', 'A value of the label.')),
        }),
      ),
    ),
  },
);

const spec = object('When changes may be applied, or not.', {
  kind: enumOf(
    'Changes wait while it is open (Deny), or while none of this kind is open (Allow).',
    ['Allow', 'Deny'],
  ),
  schedule: str(
    'When it opens: minute, hour, day of the month, month and day of the week, in the way of cron.',
    { minLength: 1, maxLength: 256 },
  ),
  duration: duration('How long it stays open.', { maxLength: 32 }),
  timeZone: opt(
    str('Time zone of the schedule, such as Europe/Berlin; UTC when unset.', {
      minLength: 1,
      maxLength: 64,
    }),
  ),
  selector: opt(labelSelector),
  overrun: opt(
    bool('Whether what was begun in time may go on, retries included; true when unset.'),
  ),
  holdsDrift: opt(bool('Whether drift is only reported while changes wait; false when unset.')),
});

export type WindowSpec = Static<typeof spec>;

/** A time in which changes are applied, or are not. */
export interface Window extends KubeObject {
  spec: WindowSpec;
}

export const windowKind: KindDefinition<Window> = {
  ...deliveryKindBase,
  categories: [...deliveryKindBase.categories],
  kind: 'Window',
  plural: 'windows',
  singular: 'window',
  shortNames: [],
  printerColumns: [
    { name: 'Kind', type: 'string', jsonPath: '.spec.kind' },
    { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
    { name: 'Duration', type: 'string', jsonPath: '.spec.duration' },
    { name: 'Time zone', type: 'string', jsonPath: '.spec.timeZone' },
    ageColumn,
  ],
  schema: objectSchema(
    'Says when changes of Kustomizations and HelmReleases of its namespace may be applied.',
    spec,
  ),
};
