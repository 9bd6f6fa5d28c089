import { expect, test } from 'vitest';
import { unknownName } from './unknown-name.ts';
import type { Op, Program } from './vocabulary.ts';

const program = (...ops: Op[]): Program => ({ id: 'x', topology: { slots: { g: { devices: 1, viable: true } } }, ops });
const memory: Op = { op: 'mmap', as: 'ram', length: 4096 };
const peek: Op = { op: 'peek', memory: 'ram', at: 0, length: 1 };
const fork: Op = { op: 'fork', as: 'child' };

test.each<[title: string, ops: Op[], clause: RegExp]>([
  ['memory', [peek], /^\/ops\/0 names the memory ram, which no mmap of main before it makes$/],
  ['memory that comes later', [peek, memory], /^\/ops\/0 names the memory ram/],
  [
    'memory of an argument',
    [{ op: 'ioctl', fd: 'c', number: 1, argument: { memory: 'arg', at: 0 } }],
    /^\/ops\/0 names the memory arg/,
  ],
  [
    'memory of another process',
    [fork, memory, { ...peek, actor: 'child' }],
    /^\/ops\/2 names the memory ram.* of child/,
  ],
  ['slot', [{ op: 'open', what: 'group', slot: 'h', as: 'h' }], /^\/ops\/0 names the slot h, which topology does not/],
  ['slot of a driver', [{ op: 'unbind_driver', slot: 'h', device: 0 }], /^\/ops\/0 names the slot h/],
  ['slot that is not named', [{ op: 'open', what: 'device', group: 'g', as: 'd' }], /^\/ops\/0 names no slot$/],
  ['actor', [{ ...memory, actor: 'child' }], /^\/ops\/0 names the actor child, of a process that no fork/],
  [
    'actor that is gone',
    [fork, { op: 'exit', actor: 'child' }, { ...memory, actor: 'child/two' }],
    /^\/ops\/2 .*child\/two/,
  ],
])('an unknown %s is told with its place', (_, ops, clause) => {
  expect(unknownName(program(...ops))).toMatch(clause);
});

test('a change of an unknown slot is told with its place', () => {
  expect(unknownName({ ...program(), changes: [{ slot: 'h' }] })).toMatch(/^\/changes\/0 names the slot h/);
});

test('names that stand for something are fine, and so are those of descriptors that are not open', () => {
  const ops: Op[] = [
    memory,
    peek,
    fork,
    { ...peek, actor: 'child/thread' },
    { op: 'open', what: 'container', as: 'c' },
    { op: 'open', what: 'group', slot: 'g', as: 'g' },
    { op: 'bind_driver', slot: 'g', device: 0, driver: 'vfio-pci' },
    { op: 'close', fd: 'never_opened' },
    { op: 'ioctl', fd: 'c', number: 1, argument: { value: 0 } },
  ];
  expect(
    unknownName({ ...program(...ops), changes: [{ slot: 'g' }, { module: 'm', parameter: 'p' }] }),
  ).toBeUndefined();
});
