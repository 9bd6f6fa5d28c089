import { describe, expect, it } from 'vitest';
import type { Changed, Op, Outcome, Pasid, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  answers,
  call,
  close,
  dma,
  le,
  map,
  mmap,
  number,
  openDevice,
  outcomesOf,
  PAGE,
  peek,
  poke,
  READ,
  type Stage,
  setCommand,
  setContainer,
  setIommu,
  unmap,
  unsetContainer,
  withDevice,
  writeRegion,
} from '../test-programs.ts';

/** Programs that bind a guest table with the ioctls of the 2020 nesting series, and let the device use it. */

const NESTING = 6;
const ALLOC = 1;
const BIND = 1;
const UNBIND = 2;
/** Where the tables are for the device, one page each, and the pages behind them; where the device stores what it read. */
const TABLES = 0x20_0000;
const PAGES = 0x30_0000;
const OUT = 0x40_0000;
/** The guest's address; its tables use entry 0 but for the last. */
const ADDRESS = 0x3000;
const SLOT: Slot = { devices: 1, viable: true };

const parameters = { bind: 'present', pasid_request: 'present', cache_invalidate: 'present' };
const stage = (more: Record<string, string> = {}, slot: Partial<Slot> = {}): Stage => ({
  slots: [{ ...SLOT, ...slot }],
  machine: { nesting: 'four_levels' },
  parameters: { ...parameters, ...more },
});

const pasid: Pasid = { ref: 'p' };
const withPasid = [{ at: 32, width: 8 as const, ref: 'p' }];

const alloc = call(
  'c',
  number.VFIO_IOMMU_PASID_REQUEST!,
  le(20, 4) + le(ALLOC, 4) + le(1, 4) + le(0xf_ffff, 4) + le(0, 4),
  undefined,
  { save: [{ name: 'p', at: 16, width: 4 }] },
);
const bindData = le(1, 4) + le(1, 4) + le(0, 8) + le(TABLES, 8) + le(0, 16) + le(48, 4) + '00'.repeat(28);
const bind = call('c', number.VFIO_IOMMU_BIND!, le(80, 4) + le(BIND, 4) + bindData, withPasid);
const unbind = call('c', number.VFIO_IOMMU_BIND!, le(80, 4) + le(UNBIND, 4) + bindData, withPasid);
/** CACHE_INVALIDATE of the IOTLB for all addresses of the PASID. */
const invalidate = call(
  'c',
  number.VFIO_IOMMU_CACHE_INVALIDATE!,
  `${le(56, 4)}${le(0, 4)}${le(1, 4)}01010000${le(1, 8)}${le(0, 32)}`,
  [{ at: 24, width: 8, ref: 'p' }],
);

/** Lets the guest's address lead to one of the pages. */
const lead = (page: number, flags = 7): Op =>
  poke('tables', 3 * PAGE + (ADDRESS / PAGE) * 8, le(PAGES + page * PAGE + flags, 8));

/** A container with tables and pages mapped, and a PASID. */
const setup = (): Op[] => [
  ...withDevice(NESTING),
  mmap('tables', 4, { fill: 'untouched' }),
  mmap('pages', 2),
  mmap('out', 1),
  map({ memory: 'tables', iova: TABLES, size: 4 * PAGE }),
  map({ memory: 'pages', iova: PAGES, size: 2 * PAGE }),
  map({ memory: 'out', iova: OUT }),
  ...[0, 1, 2].map((i) => poke('tables', i * PAGE, le(TABLES + (i + 1) * PAGE + 7, 8))),
  lead(0),
  poke('pages', 0, '11223344'),
  poke('pages', PAGE, '55667788'),
  alloc,
];

const tagged = (direction: 'from-memory' | 'to-memory', more: object = {}) =>
  dma(direction, ADDRESS, 4, 0, { pasid, ...more });
/** What the device reads with the PASID is in the last outcome's bytes. */
const reading: Op[] = [tagged('from-memory'), dma('to-memory', OUT, 4), peek('out', 0, 4)];

async function readBack(before: Op[], more?: Record<string, string>): Promise<string | undefined> {
  const outcomes = await outcomesOf(setup(), [...before, ...reading], stage(more));
  expect(answers(outcomes.slice(0, -1)).every((answer) => answer === 0)).toBe(true);
  return outcomes.at(-1)!.bytes;
}

describe('a transfer with a PASID', () => {
  it('goes through the tables that were bound to the bytes of the process', async () => {
    expect(await readBack([bind])).toBe('11223344');
    const written = (
      await outcomesOf(
        [...setup(), bind, poke('out', 0, 'aabbccdd')],
        [dma('from-memory', OUT, 4), tagged('to-memory')],
        stage(),
      )
    )[1]!;
    expect(written.value).toBe(0);
    const pages = written.changed!.filter(({ memory }) => memory === 'pages');
    expect(pages).toEqual([{ memory: 'pages', at: 0, bytes: 'aabbccdd' }]);
  });

  it('tells the bits that it sets in the tables as changes of memory', async () => {
    const [read, write, again] = await outcomesOf(
      [...setup(), bind],
      [tagged('from-memory'), tagged('to-memory'), tagged('to-memory')],
      stage(),
    );
    const tables = ({ changed }: Outcome): Changed[] => (changed ?? []).filter(({ memory }) => memory === 'tables');
    const change = (at: number, bytes: string) => ({ memory: 'tables', at, bytes });
    expect(tables(read!)).toEqual([...[0, PAGE, 2 * PAGE].map((at) => change(at, '27')), change(3 * PAGE + 24, '27')]);
    expect(tables(write!)).toEqual([change(3 * PAGE + 24, '67')]);
    expect(tables(again!)).toEqual([]);
  });

  it('tells why not all was transferred', async () => {
    const faultOf = async (ops: Op[], last = tagged('to-memory')) =>
      (await outcomesOf(setup(), [...ops, last], stage())).at(-1)!.fault;
    expect(await faultOf([])).toBe('pasid_not_bound');
    expect(await faultOf([bind])).toBeUndefined();
    expect(await faultOf([bind, unbind])).toBe('pasid_not_bound');
    expect(await faultOf([bind, lead(0, 5)])).toBe('level_1_not_writable');
    expect(await faultOf([bind, lead(2)])).toBe('page_not_mapped');
    expect(await faultOf([bind, unmap({ iova: TABLES, size: 4 * PAGE })])).toBe('table_4_not_mapped');
    expect(await faultOf([bind], tagged('to-memory', { iova: '0x800000000000' }))).toBe('not_canonical');
  });

  it('may see an entry that was changed late, as the seed has it, until it is invalidated', async () => {
    const seeds = Array.from({ length: 40 }, (_, seed) => ({ cache_seed: String(seed) }));
    const change = [bind, tagged('from-memory'), lead(1)];
    const before = await Promise.all(seeds.map((seed) => readBack(change, seed)));
    expect(new Set(before)).toEqual(new Set(['11223344', '55667788']));
    for (const flush of [[invalidate], [unbind, bind]]) {
      const after = await Promise.all(seeds.map((seed) => readBack([...change, ...flush], seed)));
      expect(new Set(after)).toEqual(new Set(['55667788']));
    }
  });

  it('goes on when the files of container and group are closed', async () => {
    expect(await readBack([bind, close('c'), close('g0')])).toBe('11223344');
  });

  it('leaves no PASID to transfers that the program starts itself', async () => {
    const again = writeRegion(0, 0x98, le(1, 4));
    const ops = [tagged('from-memory'), ...again, ...reading.slice(1)];
    expect((await outcomesOf([...setup(), bind], ops, stage())).at(-1)!.bytes).toBe('00000000');
  });

  it('finds nothing bound in a new container', async () => {
    const leave = [
      close('d'),
      unsetContainer(),
      setContainer(),
      setIommu(NESTING),
      openDevice(),
      ...setCommand(0x0107),
    ];
    const ops = [bind, tagged('from-memory'), ...leave, tagged('from-memory')];
    expect((await outcomesOf(setup(), ops, stage())).at(-1)!.fault).toBe('pasid_not_bound');
  });
});

describe('the PASID of the op dma', () => {
  const answerOf = async (value: Pasid, slot: Partial<Slot> = {}) =>
    answers(await outcomesOf(withDevice(), [dma('to-memory', 0, 1, 0, { pasid: value })], stage({}, slot)))[0];

  it('has to fit into what the device can send', async () => {
    for (const bits of [16, 20] as const) {
      expect(await answerOf(2 ** bits - 1, { pasidBits: bits })).toBe(0);
      expect(await answerOf(2 ** bits, { pasidBits: bits })).toBe('EINVAL');
    }
    expect(await answerOf(0, { pasidBits: 0 })).toBe('EINVAL');
    expect(await answerOf('0x100000001')).toBe('EINVAL');
    expect(await answerOf(-1)).toBe('EINVAL');
  });

  it('is none that a device of a machine that does not nest can send', async () => {
    expect(answers(await outcomesOf(withDevice(), [dma('to-memory', 0, 1, 0, { pasid: 0 })]))).toEqual(['EINVAL']);
  });

  it('can be a saved output and a number, modulo 2^64', async () => {
    const transfer = (add: string | number) => tagged('to-memory', { pasid: { ref: 'p', add } });
    const outcomes = await outcomesOf(
      [...setup(), bind],
      [transfer(0), transfer(1), transfer('0xffffffffffffffff'), transfer('0xfffffffffffffffe'), transfer(2 ** 20)],
      stage(),
    );
    // It is 1, the lowest that is free.
    expect(outcomes.map(({ errno, fault }) => errno ?? fault)).toEqual([
      undefined,
      'pasid_not_bound',
      'pasid_not_bound',
      'EINVAL',
      'EINVAL',
    ]);
  });

  it('is looked at after the descriptor', async () => {
    const ops = [
      { ...dma('to-memory', 0, 1), device: 'c', pasid: 2 ** 20 },
      { ...dma('to-memory', 0, 1), device: 'none', pasid: 2 ** 20 },
    ] as Op[];
    expect(answers(await outcomesOf(withDevice(), ops, stage()))).toEqual(['EINVAL', 'EBADF']);
  });
});

describe('a device of a machine that nests', () => {
  it('drives 64 address bits without a PASID, too', async () => {
    const high = 0x40_0010_0000;
    for (const width of ['eight_bytes', 'four_bytes']) {
      const ops = [map({ iova: high, flags: READ }), dma('from-memory', `0x${high.toString(16)}`, 4)];
      const far = dma('from-memory', `0x1${high.toString(16).padStart(15, '0')}`, 4);
      const outcomes = await outcomesOf(
        [...withDevice(), ...ops],
        [ops[1]!, far],
        stage({ region_access_width: width }),
      );
      expect(outcomes.map(({ fault }) => fault)).toEqual([undefined, 'not_mapped']);
    }
  });
});
