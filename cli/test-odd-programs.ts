import fc from 'fast-check';
import type { Op, Relocation } from '../spec/uapi/vocabulary.ts';

// Programs without devices: names, memories and descriptors, used as they should be and as they should not.

const PAGE = 4096;
const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);

/** Few, so that names are given again, closed, and used for something else; processes and their names are apart. */
const name = oneOf('a', 'b', 'c', 'd');
const memory = oneOf(...Array(12).fill('m'), ...Array(12).fill('n'), 'a');
/** Where ranges begin and end: at pages and next to them, within memory of three pages and far behind. */
const at = oneOf(
  0,
  0,
  1,
  PAGE - 4,
  PAGE - 1,
  PAGE,
  PAGE,
  PAGE + 1,
  2 * PAGE,
  3 * PAGE - 2,
  3 * PAGE,
  3 * PAGE + 1,
  2 ** 31,
);
const length = oneOf(0, 1, 2, 8, PAGE - 1, PAGE, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE, 4 * PAGE, 2 ** 31);
/** Of what is told in the outcome, or copied, a program may ask for less. */
const short = length.map((bytes) => Math.min(bytes, 2 ** 20));
const pages = oneOf(1, 2, 3, 3).map((count) => count * PAGE);
const bytes = oneOf('', '01', '0203', 'ffffffff', '0000000000000000', '11'.repeat(12), '5a'.repeat(20));
const protection = oneOf('none', 'read', 'write', 'read-write', 'read-write');
const integer = oneOf<number | string>(0, 1, -1, 4, '0x7fffffffffffffff', '0xffffffffffffffff', '0x100000000');
const width = oneOf(4, 8);
const relocationTo = (...refs: string[]): fc.Arbitrary<Relocation> =>
  fc
    .record({ at: fc.nat(12), width, ref: oneOf(...refs), add: integer })
    .map(({ add, ...rest }) => (add === 0 ? rest : { ...rest, add }) as Relocation);
/** Bytes, and relocations that lie within them but for a few. */
const storedWith = (relocation: fc.Arbitrary<Relocation>) =>
  fc.tuple(bytes, fc.array(relocation, { maxLength: 3 }), fc.nat(60)).map(([hex, all, any]) => ({
    bytes: hex,
    relocations: all.filter((one) => any === 0 || one.at + one.width <= hex.length / 2),
  }));

const number = oneOf<number | string>(0x5451, 0x5450, 0x5421, 0x541b, 2, 0x3b64, -1, '0x100005451', '0x8004541b');
const argumentWith = (stored: ReturnType<typeof storedWith>) =>
  fc.oneof(
    { weight: 1, arbitrary: integer.map((value) => ({ value })) },
    { weight: 2, arbitrary: fc.tuple(memory, at).map(([memory, at]) => ({ memory, at })) },
    { weight: 3, arbitrary: fc.tuple(memory, at, stored).map(([memory, at, rest]) => ({ memory, at, ...rest })) },
  );
const saved = fc.array(fc.record({ name: oneOf('a', 's', 'm'), at: oneOf(0, 0, 4, PAGE), width }), { maxLength: 2 });

/** Files that every Linux has. */
const plainFiles: [number, fc.Arbitrary<object>][] = [
  [6, fc.record({ op: oneOf('open'), what: oneOf('pipe', 'event'), as: name })],
  [
    8,
    fc.record({
      op: oneOf('open'),
      what: oneOf('path'),
      path: oneOf('/dev/null', '/dev/zero', '/dev/zero', '/nowhere'),
      access: oneOf('read-write', 'read-write', 'read', 'write', 'path'),
      as: name,
    }),
  ],
];

/** Files of which the contract speaks. */
const containers: [number, fc.Arbitrary<object>][] = [
  [
    12,
    fc.record({ op: oneOf('open'), what: oneOf('container'), access: oneOf('read-write', 'read', 'path'), as: name }),
  ],
  [
    2,
    fc.record({
      op: oneOf('ioctl'),
      fd: name,
      number: oneOf(0x3b64, 0x3b65),
      argument: integer.map((value) => ({ value })),
      as: name,
    }),
  ],
];

const kindsWith = (
  stored: ReturnType<typeof storedWith>,
  argument = argumentWith(stored),
): [number, fc.Arbitrary<object>][] => [
  [5, fc.record({ op: oneOf('close'), fd: name })],
  [5, fc.record({ op: oneOf('dup'), fd: name, as: name })],
  [2, fc.record({ op: oneOf('seek'), fd: name, offset: integer })],
  [3, fc.record({ op: oneOf('close_on_exec'), fd: name })],
  [1, fc.record({ op: oneOf('read_event'), fd: name })],
  [8, fc.record({ op: oneOf('ioctl'), fd: name, number, argument })],
  [4, fc.record({ op: oneOf('ioctl'), fd: name, number: oneOf(0x541b, 0x5421, 2), argument, save: saved })],
  [2, fc.record({ op: oneOf('ioctl'), fd: name, number: oneOf(0x541b, 0x5451), argument, as: name })],
  [
    12,
    fc.record({
      op: oneOf('mmap'),
      as: oneOf('a', 'm', 'm', 'n', 'n'),
      length: pages,
      protection,
      backing: oneOf('anonymous', 'anonymous', 'shared', 'memfd', 'file'),
      fill: oneOf('ff', 'ff', 'untouched'),
    }),
  ],
  [
    3,
    fc.record({
      op: oneOf('mmap'),
      as: oneOf('a', 'm', 'n'),
      length: pages,
      protection,
      backing: oneOf('fd'),
      fd: name,
      offset: oneOf<number | string>(0, 0, PAGE, 1, '0xfffffffffffff000'),
    }),
  ],
  [6, fc.record({ op: oneOf('protect'), memory, at, length, protection })],
  [4, fc.record({ op: oneOf('unmap'), memory, at, length })],
  [4, fc.record({ op: oneOf('discard'), memory, at, length })],
  [3, fc.record({ op: oneOf('lock'), memory, at, length })],
  [2, fc.record({ op: oneOf('truncate'), memory, length: oneOf(0, PAGE, 2 * PAGE, 3 * PAGE, 4 * PAGE) })],
  [14, fc.tuple(memory, at, stored).map(([memory, at, rest]) => ({ op: 'poke', memory, at, ...rest }))],
  [12, fc.record({ op: oneOf('peek'), memory, at, length: short })],
  [10, fc.record({ op: oneOf('pread'), fd: name, offset: integer, memory, at, length: short })],
  [3, fc.record({ op: oneOf('pwrite'), fd: name, offset: integer, memory, at, length: short })],
  [3, fc.record({ op: oneOf('fork'), as: oneOf('child', 'other') })],
  [1, fc.record({ op: oneOf('exit') })],
  [
    1,
    fc.record({ op: oneOf('rlimit'), resource: oneOf('memlock'), value: oneOf(0, PAGE, 3 * PAGE, 0x10000, 0x20000) }),
  ],
  [1, fc.record({ op: oneOf('rlimit'), resource: oneOf('nofile'), value: oneOf(0, 3, 4, 5, 1024, 1025) })],
  [1, fc.record({ op: oneOf('drop_capability'), capability: oneOf('ipc_lock', 'all') })],
  [1, fc.constant({ op: 'barrier' })],
];

const actor = oneOf(...Array(16).fill(undefined), ...Array(6).fill('child'), 'other');
const stepWith = (files: typeof plainFiles, ...refs: string[]) =>
  fc
    .tuple(
      fc.oneof(
        ...[...kindsWith(storedWith(relocationTo(...refs))), ...files].map(([weight, arbitrary]) => ({
          weight,
          arbitrary,
        })),
      ),
      actor,
    )
    .map(([op, actor]) => (actor === undefined ? op : { ...op, actor }) as Op);

/** From here on every machine that runs the program is the same: limits, and no privileges to exceed them. */
const alike: Op[] = [
  { op: 'rlimit', resource: 'nofile', value: 1024 },
  { op: 'rlimit', resource: 'memlock', value: 0x10000 },
  { op: 'drop_capability', capability: 'all' },
];

/** Something that most of the ops after it find. */
const startsWith = (first: Op, second: Op): Op[][] => [
  [],
  [
    first,
    second,
    { op: 'mmap', as: 'm', length: 3 * PAGE },
    { op: 'mmap', as: 'n', length: 3 * PAGE, backing: 'memfd', fill: 'untouched' },
  ],
  [
    first,
    second,
    { op: 'mmap', as: 'n', length: 2 * PAGE, backing: 'shared' },
    { op: 'mmap', as: 'm', length: 2 * PAGE },
    { op: 'fork', as: 'child' },
  ],
];

const open = (path: string, as: string): Op => ({ op: 'open', what: 'path', path, as });
const container = (as: string): Op => ({ op: 'open', what: 'container', as });

function programsOf(starts: Op[][], step: fc.Arbitrary<Op>): fc.Arbitrary<Op[]> {
  const start = oneOf(...starts, ...starts.slice(1), ...starts.slice(1), ...starts.slice(2));
  return fc
    .tuple(start, fc.array(step, { minLength: 1, maxLength: 16, size: 'max' }))
    .map(([first, steps]) => [...alike, ...first, ...steps]);
}

/**
 * Programs that need nothing but Linux. What they store of what they do not know are numbers of descriptors, the same everywhere:
 * which bytes of an address a call changes depends on the address.
 */
export const programsWithPlainFiles = programsOf(
  [
    ...startsWith(open('/dev/zero', 'a'), { op: 'open', what: 'pipe', as: 'b' }),
    [
      open('/dev/zero', 'a'),
      open('/dev/null', 'c'),
      { op: 'mmap', as: 'n', length: 2 * PAGE, backing: 'shared' },
      { op: 'mmap', as: 'm', length: 2 * PAGE, backing: 'fd', fd: 'a' },
      { op: 'fork', as: 'child' },
    ],
  ],
  stepWith(plainFiles, 'b', 'c', 'd', 's', 'none'),
);

/** Programs of which the contract says nearly everything; they store addresses, too. */
export const programsWithContainers = programsOf(
  startsWith(container('a'), container('b')),
  stepWith(containers, 'a', 'b', 'c', 'm', 'n', 'none'),
);
