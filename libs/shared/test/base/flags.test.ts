import { describeFlags, FlagError, flag, formatHelp, parseFlags } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';

const specs = {
  'log-level': flag.string({ default: 'info', values: ['info', 'debug'], help: 'Log level.' }),
  concurrent: flag.int({ default: 4, min: 1, help: 'Workers.' }),
  'enable-leader-election': flag.boolean({ default: false, help: 'Elect a leader.' }),
  'min-retry-delay': flag.duration({ default: 750, help: 'Shortest delay.' }),
  'override-manager': flag.list({ default: [], help: 'Managers to override.' }),
  'storage-path': flag.string({
    default: '/data',
    env: 'STORAGE_PATH',
    help: 'Where artifacts are kept.',
  }),
};

describe('parseFlags', () => {
  test('gives the defaults when nothing is given', () => {
    expect(parseFlags(specs, [])).toEqual({
      'log-level': 'info',
      concurrent: 4,
      'enable-leader-election': false,
      'min-retry-delay': 750,
      'override-manager': [],
      'storage-path': '/data',
    });
  });

  test('reads the forms that Go reads', () => {
    const values = parseFlags(specs, [
      '--log-level=debug',
      '--concurrent',
      '20',
      '-enable-leader-election',
      '--min-retry-delay=1m',
    ]);
    expect(values).toMatchObject({
      'log-level': 'debug',
      concurrent: 20,
      'enable-leader-election': true,
      'min-retry-delay': 60_000,
    });
  });

  test('collects a repeated or comma-separated list', () => {
    expect(
      parseFlags(specs, ['--override-manager=a,b', '--override-manager', 'c'])['override-manager'],
    ).toEqual(['a', 'b', 'c']);
  });

  test('prefers the argument to the environment, and the environment to the default', () => {
    expect(parseFlags(specs, [], { STORAGE_PATH: '/env' })['storage-path']).toBe('/env');
    expect(
      parseFlags(specs, ['--storage-path=/arg'], { STORAGE_PATH: '/env' })['storage-path'],
    ).toBe('/arg');
  });

  test.each([
    { name: 'an unknown flag', argv: ['--nope=1'], message: 'unknown flag --nope: see --help' },
    {
      name: 'a value that is not allowed',
      argv: ['--log-level=loud'],
      message: '--log-level must be one of info, debug',
    },
    {
      name: 'a number below the minimum',
      argv: ['--concurrent=0'],
      message: '--concurrent must be at least 1',
    },
    {
      name: 'a number with a fraction',
      argv: ['--concurrent=1.5'],
      message: '--concurrent must be a whole number',
    },
    {
      name: 'a duration without unit',
      argv: ['--min-retry-delay=5'],
      message: "--min-retry-delay '5' is not a duration",
    },
    {
      name: 'a missing value',
      argv: ['--concurrent'],
      message: 'flag --concurrent needs a value: --concurrent=<int>',
    },
    { name: 'a stray word', argv: ['serve'], message: "unexpected argument 'serve'" },
    {
      name: 'a name of Object.prototype',
      argv: ['--constructor=1'],
      message: 'unknown flag --constructor',
    },
  ])('refuses $name and says which flag', ({ argv, message }) => {
    expect(() => parseFlags(specs, argv)).toThrow(FlagError);
    expect(() => parseFlags(specs, argv)).toThrow(message);
  });
});

test('describeFlags and --help show name, type, default and help', () => {
  expect(describeFlags(specs).find((f) => f.name === 'min-retry-delay')).toEqual({
    name: 'min-retry-delay',
    type: 'duration',
    default: '750ms',
    help: 'Shortest delay.',
  });
  expect(formatHelp('x', specs)).toContain('--concurrent int\n      Workers. (default 4)');
});
