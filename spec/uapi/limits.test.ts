import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limits, tooMuch } from './limits.ts';
import { packageRoot } from './package-root.ts';
import { validator } from './validator.ts';
import type { Op, Program } from './vocabulary.ts';

const times = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
const members = <T>(count: number, value: T) => Object.fromEntries(times(count, (i) => [`m${i}`, value]));
const letters = (count: number) => 'a'.repeat(count);
const program = (parts: object) => ({ id: 'a', topology: { slots: {} }, ops: [], ...parts });
const withOp = (op: object) => program({ ops: [op] });
const poke = { op: 'poke', memory: 'm', at: 0, bytes: '' };
const relocation = { at: 0, width: 4, ref: 'a' };
const slot = { devices: 1, viable: true };
const device = {
  ...{ regions: [], interrupts: [], config: '', configWritable: '', configUnknown: '', registers: [] },
  interruptCause: { raise: 0, acknowledge: 0 },
};
const environment = (parts: object) => ({
  ...{
    id: 'e',
    machine: {},
    slots: {},
    pageSize: 4096,
    apertureLast: 1,
    reserved: [],
    pageSizes: 4096,
    userAddressEnd: 1,
  },
  ...{ dmaEntryLimit: 1, memlockExempt: true, dmaAddressBits: 28, dmaBufferBytes: 4096, device, ...parts },
});
const answer = (parts: object) => ({ type: 'result', id: 1, end: 'completed', outcomes: [], ...parts });
const description = (parts: object) => ({
  ...{ type: 'description', protocol: 1, name: 'a', version: '1', ops: [], environment: environment({}), ...parts },
});
const PROGRAM = 'program.schema.json';
const RESULT = 'protocol.schema.json#/$defs/result';
const DESCRIPTION = 'protocol.schema.json#/$defs/description';
const ENVIRONMENT = 'environment.schema.json';

describe('a value at a limit fits its schema, and one beyond it does not', () => {
  it.each<[what: string, schema: string, most: number, make: (size: number) => unknown]>([
    ['ops', PROGRAM, 10_000, (n) => program({ ops: times(n, () => ({ op: 'barrier' })) })],
    ['a memory', PROGRAM, limits.memory, (n) => withOp({ op: 'mmap', as: 'm', length: n })],
    ['bytes', PROGRAM, 1 << 20, (n) => withOp({ ...poke, bytes: '00'.repeat(n) })],
    ['peek', PROGRAM, 1 << 20, (n) => withOp({ op: 'peek', memory: 'm', at: 0, length: n })],
    ['pread', PROGRAM, 1 << 26, (n) => withOp({ op: 'pread', fd: 'f', offset: 0, memory: 'm', at: 0, length: n })],
    ['pwrite', PROGRAM, 1 << 26, (n) => withOp({ op: 'pwrite', fd: 'f', offset: 0, memory: 'm', at: 0, length: n })],
    ['dma', PROGRAM, 1 << 26, (n) => withOp({ op: 'dma', device: 'd', direction: 'to-memory', iova: 0, length: n })],
    ['slots', PROGRAM, 64, (n) => program({ topology: { slots: members(n, slot) } })],
    ['devices', PROGRAM, 64, (n) => program({ topology: { slots: { s: { ...slot, devices: n } } } })],
    ['changes', PROGRAM, 64, (n) => program({ changes: times(n, () => ({ slot: 's' })) })],
    ['relocations', PROGRAM, 1024, (n) => withOp({ ...poke, relocations: times(n, () => relocation) })],
    ['a name', PROGRAM, 64, (n) => withOp({ op: 'fork', as: letters(n) })],
    ['the name of a slot', PROGRAM, 64, (n) => program({ topology: { slots: { [letters(n)]: slot } } })],
    ['an actor', PROGRAM, 129, (n) => withOp({ op: 'barrier', actor: letters(n) })],
    ['an id', PROGRAM, 1024, (n) => program({ id: letters(n) })],
    ['about', PROGRAM, 1024, (n) => program({ about: letters(n) })],
    ['a rule', PROGRAM, 1024, (n) => program({ rule: letters(n) })],
    ['a feature', PROGRAM, 1024, (n) => program({ feature: letters(n) })],
    ['a path', PROGRAM, 4096, (n) => withOp({ op: 'open', what: 'path', as: 'a', path: '/'.repeat(n) })],
    ['a spelling', PROGRAM, 5000, (n) => withOp({ op: 'open', what: 'device', as: 'a', spelling: letters(n) })],
    ['outcomes', RESULT, 10_000, (n) => answer({ outcomes: times(n, () => ({ value: 0 })) })],
    ['bytes of an outcome', RESULT, 1 << 20, (n) => answer({ outcomes: [{ value: 0, bytes: '00'.repeat(n) }] })],
    [
      'runs of changed bytes',
      RESULT,
      65_536,
      (n) => answer({ outcomes: [{ value: 0, changed: times(n, (i) => ({ memory: 'm', at: 2 * i, bytes: '00' })) }] }),
    ],
    ['lines of a log', RESULT, 1000, (n) => answer({ log: times(n, () => '') })],
    ['a line of a log', RESULT, 8192, (n) => answer({ log: [letters(n)] })],
    ['detail', RESULT, 8192, (n) => answer({ detail: letters(n) })],
    ['a message', 'protocol.schema.json#/$defs/error', 8192, (n) => ({ type: 'error', message: letters(n) })],
    ['name of a target', DESCRIPTION, 256, (n) => description({ name: letters(n) })],
    ['version of a target', DESCRIPTION, 256, (n) => description({ version: letters(n) })],
    ['ops of a target', DESCRIPTION, 256, (n) => description({ ops: times(n, () => 'open') })],
    ['id of an environment', ENVIRONMENT, 256, (n) => environment({ id: letters(n) })],
    ['slots of an environment', ENVIRONMENT, 64, (n) => environment({ slots: members(n, slot) })],
    ['reserved ranges', ENVIRONMENT, 1024, (n) => environment({ reserved: times(n, () => ({ first: 0, last: 1 })) })],
    ['a buffer of a device', ENVIRONMENT, 1 << 20, (n) => environment({ dmaBufferBytes: n })],
  ])('%s', (_, schema, most, make) => {
    const fits = validator(schema);
    expect(fits(make(most)), JSON.stringify(fits.errors)?.slice(0, 300)).toBe(true);
    expect(fits(make(most + 1))).toBe(false);
    // What is far too long must not run out of stack or time either.
    expect(fits(make(most > 1 << 25 ? most * 16 : most * 8))).toBe(false);
  });
});

describe('tooMuch', () => {
  const map = (length: number, actor = 'main'): Op => ({ op: 'mmap', as: 'm', length, actor });
  const forks = (count: number): Op[] =>
    times(count, (i) => ({ op: 'fork', as: `p${i + 1}`, actor: i === 0 ? 'main' : `p${i}` }));
  const ofOps = (ops: Op[]) => tooMuch({ id: 'a', topology: { slots: {} }, ops } satisfies Program);

  it('counts memory', () => {
    expect(ofOps([map(limits.memory - 4096), map(4096)])).toBeUndefined();
    expect(ofOps([map(limits.memory - 4096), map(4097)])).toBe(
      '/ops/1 takes the memory of all processes to 67108865 bytes, and a program may have 67108864',
    );
  });

  it('counts what a fork copies', () => {
    const half = limits.memory / 2;
    expect(ofOps([map(half), { op: 'fork', as: 'p' }])).toBeUndefined();
    expect(ofOps([map(half), { op: 'fork', as: 'p' }, map(1, 'p')])).toMatch(/^\/ops\/2 takes the memory/);
    expect(ofOps([map(half), map(1), { op: 'fork', as: 'p' }])).toMatch(/^\/ops\/2 takes the memory/);
  });

  it('counts memories', () => {
    expect(ofOps(times(limits.memories, () => map(1)))).toBeUndefined();
    expect(ofOps(times(limits.memories + 1, () => map(1)))).toBe(
      '/ops/1024 is one memory more than the 1024 that a program may have',
    );
  });

  it('counts processes, however deep', () => {
    expect(ofOps(forks(limits.processes - 1))).toBeUndefined();
    expect(ofOps(forks(limits.processes))).toBe('/ops/63 is one process more than the 64 that a program may have');
  });
});

it('docs/protocol.md states what the code has', () => {
  const page = readFileSync(`${packageRoot}/docs/protocol.md`, 'utf8');
  const section = page.slice(page.indexOf('## Limits'), page.indexOf('## The daemon for Linux'));
  for (const most of Object.values(limits)) expect(section).toMatch(new RegExp(`\\b${most}\\b`));
});
