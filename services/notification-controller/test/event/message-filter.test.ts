import { describe, expect, test } from 'vitest';
import { messageFilter } from '../../src/event/message-filter.ts';

describe('message lists', () => {
  test.each([
    { name: 'inline flags', expression: '(?i)FAILED', message: 'it failed', want: true },
    {
      name: 'named groups in Go syntax',
      expression: '(?P<what>build|apply) failed',
      message: 'apply failed',
      want: true,
    },
    { name: 'classes in brackets', expression: '[[:digit:]]{3}', message: 'code 503', want: true },
    {
      name: 'a dot that does not match a line break',
      expression: 'a.b',
      message: 'a\nb',
      want: false,
    },
    {
      name: 'an end that is the end of the text',
      expression: 'first$',
      message: 'first\nsecond',
      want: false,
    },
    { name: 'Unicode classes', expression: '\\p{Greek}', message: 'λ', want: true },
  ])('have Go semantics: $name', ({ expression, message, want }) => {
    expect(messageFilter({ inclusionList: [expression] }).accepts(message)).toBe(want);
  });

  test('take linear time for expressions that make others hang', () => {
    const filter = messageFilter({ inclusionList: ['^(a+)+$'] });
    expect(filter.accepts(`${'a'.repeat(30_000)}!`)).toBe(false);
  });

  test.each(['(', '(?=lookahead)', '\\1', '[z-a]'])('report %s, naming field and value', (bad) => {
    const { problems } = messageFilter({ inclusionList: ['ok'], exclusionList: ['ok', bad] });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.field).toBe('spec.exclusionList[1]');
    expect(problems[0]?.problem).toContain(`'${bad}' is no Go regular expression`);
  });

  test.each([
    { name: 'too many expressions', list: Array(101).fill('a'), problem: '101 expressions' },
    { name: 'expressions that grow', list: Array(20).fill('(a{100}){5}'), problem: 'instructions' },
  ])('over a limit want nothing: $name', ({ list, problem }) => {
    const filter = messageFilter({ exclusionList: list });
    expect(filter.problems).toMatchObject([{ problem: expect.stringContaining(problem) }]);
    expect(filter.accepts('anything')).toBe(false);
  });

  test('report an expression that is too long, and use the others', () => {
    const filter = messageFilter({ inclusionList: ['a'.repeat(1025), 'ok'] });
    expect(filter.problems).toMatchObject([{ field: 'spec.inclusionList[0]' }]);
    expect(filter.accepts('ok')).toBe(true);
  });

  test('are compiled once for a spec', () => {
    const spec = { inclusionList: ['ok'] };
    expect(messageFilter(spec)).toBe(messageFilter(spec));
  });
});
