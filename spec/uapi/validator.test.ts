import { expect, test } from 'vitest';
import { complaint, validator } from './validator.ts';

const program = (...ops: unknown[]) => ({ id: 'x', topology: { slots: {} }, ops });
const ioctl = { op: 'ioctl', fd: 'c', number: 1 };

test.each<[title: string, schema: string, value: unknown, place: string, clause: string]>([
  ['record line of a kind', 'record', { kind: 'footer', cases: 1 }, '/', "must have required property 'verdicts'"],
  ['record line of an unknown kind', 'record', { kind: 'foot' }, '/', 'has an unknown kind: "foot"'],
  ['record line of no kind', 'record', {}, '/', 'has no kind'],
  ['record line that is a number', 'record', 7, '/', 'must be object'],
  ['message of a type', 'protocol', { type: 'run', id: -1, slots: {}, program: program() }, '/id', 'must be >= 0'],
  ['op', 'program', program({ op: 'close', fd: 3 }), '/ops/0/fd', 'must be string'],
  ['unknown op', 'program', program({ op: 'walk' }), '/ops/0', 'has an unknown op: "walk"'],
  ['op that is a word', 'program', program('close'), '/ops/0', 'must be object'],
  ['op with a foreign key', 'program', program({ op: 'barrier', fd: 'c' }), '/ops/0', 'must not have fd'],
  ['constant', 'protocol', { type: 'describe', protocol: 2 }, '/protocol', 'must be 1'],
  [
    'member of a closed set',
    'trace#/$defs/end',
    'fine',
    '/',
    'must be one of completed, crashed, hung, unsupported, lost',
  ],
  [
    'form without constant, by what fits farthest',
    'program',
    program({ ...ioctl, argument: { memory: 'm', at: -1 } }),
    '/ops/0/argument/at',
    'must be >= 0',
  ],
  [
    'form without constant, by all that may be meant',
    'program',
    program({ ...ioctl, argument: {} }),
    '/ops/0/argument',
    "must have required property 'value' or must have required property 'memory'",
  ],
  [
    'value of the right type, by that type',
    'program',
    program({ ...ioctl, argument: { value: '0X1' } }),
    '/ops/0/argument/value',
    'must match pattern "^0x(0|[1-9a-f][0-9a-f]{0,15})$"',
  ],
  ['two forms at once', 'trace#/$defs/outcome', { value: 0, fd: 'c' }, '/', 'must match exactly one schema in oneOf'],
])('a wrong %s is described by its own form', (_, schema, value, place, clause) => {
  const [file, definition] = schema.split('#');
  const validate = validator(`${file}.schema.json${definition ? `#${definition}` : ''}`);
  expect(validate(value)).toBe(false);
  expect(complaint(validate)).toEqual({ place, clause });
});
