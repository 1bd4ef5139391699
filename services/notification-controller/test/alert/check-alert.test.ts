import { describe, expect, test } from 'vitest';
import { checkAlert } from '../../src/alert/check-alert.ts';
import { alertOf } from '../objects.ts';

const rules = { noCrossNamespaceRefs: false, wildcardNamespaces: false };

describe('the check of an alert', () => {
  test('finds nothing wrong with a good one', () => {
    const alert = alertOf({
      inclusionList: ['.*'],
      eventSources: [{ kind: 'Bucket', name: '*', namespace: 'x' }],
    });
    expect(checkAlert(alert, rules)).toEqual([]);
  });

  test('names expressions that are invalid', () => {
    const problems = checkAlert(alertOf({ inclusionList: ['('] }), rules);
    expect(problems).toMatchObject([{ field: 'spec.inclusionList[0]' }]);
  });

  test.each([
    { field: 'spec.template', spec: { template: 'a\n{{ .Nope }}' }, says: 'is refused: 2:4: ' },
    { field: 'spec.template', spec: { template: '{{ if true }}' }, says: 'is refused: 1:1: ' },
    {
      field: 'spec.template',
      spec: { template: '{{ repeat 99999999 "a" }}' },
      says: 'takes more than',
    },
    {
      field: 'spec.commitURLTemplate',
      spec: { commitURLTemplate: '{{ .Nope }}' },
      says: 'is refused: 1:4: ',
    },
    {
      field: 'spec.commitURLTemplate',
      spec: { commitURLTemplate: 'javascript:{{ .Commit }}' },
      says: 'makes no address of a web page',
    },
  ])('names $field where it $says', ({ field, spec, says }) => {
    expect(checkAlert(alertOf(spec), rules)).toMatchObject([
      { field, problem: expect.stringContaining(says) },
    ]);
  });

  test('finds nothing wrong with templates that can be carried out', () => {
    const alert = alertOf({
      template: '{{ .Event.Message }} {{ upper .Event.Metadata.team }} {{ .Alert.Name }}',
      commitURLTemplate: '{{ .Repository }}/c/{{ .Commit }}',
    });
    expect(checkAlert(alert, rules)).toEqual([]);
  });

  test('names other namespaces where they are forbidden', () => {
    const alert = alertOf({
      eventSources: [
        { kind: 'Bucket', name: '*', namespace: 'apps' },
        { kind: 'Bucket', name: '*', namespace: 'other' },
      ],
    });
    expect(checkAlert(alert, { ...rules, noCrossNamespaceRefs: true })).toMatchObject([
      { field: 'spec.eventSources[1].namespace', problem: expect.stringContaining("'other'") },
    ]);
  });

  test('names every namespace where the administrator does not allow that', () => {
    const alert = alertOf({ eventSources: [{ kind: 'Bucket', name: '*', namespace: '*' }] });
    expect(checkAlert(alert, rules)).toMatchObject([
      {
        field: 'spec.eventSources[0].namespace',
        problem: expect.stringContaining('--allow-wildcard-namespaces'),
      },
    ]);
    expect(checkAlert(alert, { ...rules, wildcardNamespaces: true })).toEqual([]);
    const both = { noCrossNamespaceRefs: true, wildcardNamespaces: true };
    expect(checkAlert(alert, both)).toMatchObject([
      { problem: expect.stringContaining('--no-cross-namespace-refs') },
    ]);
  });
});
