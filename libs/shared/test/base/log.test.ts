import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/base/log.ts';

/** What `flux logs` makes of a line: it stops at one over 64 KiB, and at a field of another type than text. */
function read(line: string): Record<string, unknown> {
  expect(Buffer.byteLength(line)).toBeLessThan(64 * 1024);
  expect(line.endsWith('}\n')).toBe(true);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  const fields = JSON.parse(line) as Record<string, unknown>;
  for (const name of [
    'ts',
    'level',
    'msg',
    'logger',
    'error',
    'controllerKind',
    'name',
    'namespace',
  ])
    if (fields[name] !== undefined) expect(fields[name], name).toBeTypeOf('string');
  return fields;
}

function logged(fields: object, message = 'Something happened', child?: object) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'info', name: 'test-controller', destination });
  (child ? logger.child(child) : logger).error(fields, message);
  expect(lines).toHaveLength(1);
  return read(lines[0] as string);
}

const circular: Record<string, unknown> = { a: 1 };
circular['self'] = circular;

describe('a log line is one that flux logs reads', () => {
  test.each([
    { name: 'an error', fields: { error: new Error('bad') }, error: 'bad' },
    { name: 'a text', fields: { error: 'bad' }, error: 'bad' },
    {
      name: 'a text of many lines',
      fields: { error: 'a\nb\r\nc\u2028d' },
      error: 'a\nb\r\nc\u2028d',
    },
    { name: 'an object', fields: { error: { code: 7 } }, error: '{"code":7}' },
    { name: 'a circular object', fields: { error: circular }, error: '[unprintable]' },
    { name: 'a number', fields: { error: 42 }, error: '42' },
    { name: 'null', fields: { error: null }, error: 'null' },
    {
      name: 'several errors',
      fields: { error: new AggregateError([new Error('a'), new Error('b')]) },
      error: 'a; b',
    },
    { name: 'an error of another class', fields: { error: new TypeError('no') }, error: 'no' },
  ])('for $name as error', ({ fields, error }) => {
    expect(logged(fields)).toMatchObject({ level: 'error', logger: 'test-controller', error });
  });

  test('whatever the fields are', () => {
    const fields = {
      circular,
      big: 10n,
      map: new Map([[1, 2]]),
      name: 3,
      controllerKind: {},
      no: undefined,
    };
    expect(logged(fields)).toMatchObject({ name: '3', controllerKind: '{}', big: 10 });
  });

  test('when a field has the name of one of its own', () => {
    const line = logged({ level: 7, ts: 9, msg: 'other', logger: {} });
    expect(line).toMatchObject({ level: 'error', msg: 'Something happened', field_ts: 9 });
    expect(line['ts']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('with the object that a child logger is for', () => {
    const object = { controllerKind: 'Kustomization', name: 'app', namespace: 'apps' };
    expect(logged({ error: 'bad' }, 'Failed', object)).toMatchObject({ ...object, msg: 'Failed' });
  });

  test.each([
    { name: 'a long error', fields: { error: new Error('x'.repeat(1e6)) } },
    { name: 'a long error of wide characters', fields: { error: '\u{1F600}'.repeat(1e5) } },
    { name: 'a long error of control characters', fields: { error: '\u0001'.repeat(1e5) } },
    {
      name: 'a long list',
      fields: { changed: Array.from({ length: 1e4 }, (_, i) => `object ${i}`) },
    },
    {
      name: 'many long texts',
      fields: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, 'y'.repeat(1e4)])),
    },
  ])('with $name, which is cut', ({ fields }) => {
    const line = logged(fields, 'Something long happened', { name: 'app', namespace: 'apps' });
    expect(line).toMatchObject({ msg: 'Something long happened', name: 'app', namespace: 'apps' });
    expect(JSON.stringify(line)).toMatch(/\(cut\)|"cut":true/);
  });
});

describe('a log line reveals', () => {
  test('no user and password of an address', () => {
    const line = logged({
      url: 'https://me:hunter2@host/path',
      error: new Error('GET http://t0ken@h: 500'),
    });
    expect(line).toMatchObject({
      url: 'https://*****@host/path',
      error: 'GET http://*****@h: 500',
    });
  });

  test('nothing of the cause of an error, which the message may have been made to hide', () => {
    const error = new Error('the login was refused', { cause: new Error('hunter2') });
    expect(JSON.stringify(logged({ error, failure: error }))).not.toContain('hunter2');
  });
});
