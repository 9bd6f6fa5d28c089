import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  dma,
  map,
  mmap,
  openDevice,
  openGroup,
  outcomesOf,
  PAGE,
  peek,
  poke,
  READ,
  ready,
  resultsOf,
  setCommand,
  setContainer,
  unmap,
  VADDR,
  WRITE,
  withDevice,
} from '../test-programs.ts';

const IOVA = 0x10_0000;
const OUT = 0x20_0000;

/** The device reads 4 bytes at an address; what it got is what it then stores to the page `out`, which is shown. */
const reading = (iova: number): Op[] => [dma('from-memory', iova, 4), dma('to-memory', OUT, 4)];
const setup = (): Op[] => [
  ...withDevice(),
  mmap('out', 1),
  map({ memory: 'out', iova: OUT }),
  poke('m', 0, '11223344'),
  poke('m', PAGE, '55667788'),
];

async function readBack(before: Op[], iova = IOVA, stage = {}): Promise<string | undefined> {
  const outcomes = await outcomesOf(setup(), [...before, ...reading(iova), peek('out', 0, 4)], stage);
  return outcomes.at(-1)!.bytes;
}

async function storedAt(before: Op[], iova = IOVA): Promise<unknown> {
  const ops = [...before, poke('out', 0, 'aabbccdd'), dma('from-memory', OUT, 4), dma('to-memory', iova, 4)];
  return (await outcomesOf(setup(), ops)).at(-1)!.changed;
}

describe('a transfer', () => {
  it('reads memory that is mapped for reading', async () => {
    expect(await readBack([map({ flags: READ })])).toBe('11223344');
  });

  it('writes memory that is mapped for writing, exactly the bytes asked for', async () => {
    expect(await storedAt([map({ flags: WRITE })], IOVA + 8)).toEqual([{ memory: 'm', at: 8, bytes: 'aabbccdd' }]);
  });

  it('reads zeros where nothing is mapped', async () => {
    expect(await readBack([])).toBe('00000000');
  });

  it('is lost where nothing is mapped, or for reading only', async () => {
    expect(await storedAt([])).toBeUndefined();
    expect(await storedAt([map({ flags: READ })])).toBeUndefined();
  });

  it('reads what is mapped for writing only', async () => {
    expect(await readBack([map({ flags: WRITE })])).toBe('11223344');
  });

  it('reads zeros from what is mapped for writing only with write_only_mapping=unreadable', async () => {
    const stage = { parameters: { write_only_mapping: 'unreadable' } };
    expect(await readBack([map({ flags: WRITE })], IOVA, stage)).toBe('00000000');
  });

  it('tells why not all of it was done, the first reason', async () => {
    const faultOf = async (before: Op[], transfer: Op) =>
      (await outcomesOf(setup(), [...before, transfer], { parameters: { write_only_mapping: 'unreadable' } })).at(-1)!
        .fault;
    expect(await faultOf([map()], dma('to-memory', IOVA, 4))).toBeUndefined();
    expect(await faultOf([], dma('to-memory', IOVA, 4))).toBe('not_mapped');
    expect(await faultOf([map({ flags: READ })], dma('to-memory', IOVA, 4))).toBe('not_writable');
    expect(await faultOf([map({ flags: WRITE })], dma('from-memory', IOVA, 4))).toBe('not_readable');
    expect(await faultOf([map({ flags: READ })], dma('to-memory', IOVA + PAGE - 2, 4))).toBe('not_writable');
    expect(await faultOf([dma('to-memory', IOVA, 4), map()], dma('to-memory', IOVA, 4))).toBeUndefined();
    expect(await faultOf(setCommand(0x0103), dma('to-memory', IOVA, 4))).toBeUndefined();
  });

  it('follows each page to where it is mapped', async () => {
    const swapped = [map({ memoryAt: PAGE }), map({ iova: IOVA + PAGE, memoryAt: 0 })];
    expect(await readBack(swapped)).toBe('55667788');
    const around = [poke('m', 2 * PAGE - 2, '0102'), ...swapped];
    expect(await readBack(around, IOVA + PAGE - 2)).toBe('01021122');
  });

  it('out of a mapped page does the part that is mapped', async () => {
    expect(await storedAt([map()], IOVA + PAGE - 2)).toEqual([{ memory: 'm', at: PAGE - 2, bytes: 'aabb' }]);
    expect(await readBack([map(), poke('m', PAGE - 2, '0102')], IOVA + PAGE - 2)).toBe('01020000');
    expect(await readBack([map()], IOVA - 2)).toBe('00001122');
  });

  it('loses the address bits that the device does not drive', async () => {
    const [, , shown] = await outcomesOf(
      [...setup(), map()],
      [dma('from-memory', '0x7f10100000', 4), dma('to-memory', OUT, 4), peek('out', 0, 4)],
    );
    expect(shown!.bytes).toBe('11223344');
  });

  it('is blocked as soon as the mapping is gone', async () => {
    expect(await readBack([map(), unmap()])).toBe('00000000');
    expect(await storedAt([map(), unmap()])).toBeUndefined();
  });

  it('goes on after an unmapping with type 1 that removed nothing', async () => {
    const ops = [
      map({ size: 2 * PAGE }),
      unmap({ iova: IOVA + PAGE, size: PAGE }),
      ...reading(IOVA),
      peek('out', 0, 4),
    ];
    const type1 = [...withDevice(1), ...setup().slice(withDevice().length)];
    expect((await outcomesOf(type1, ops)).at(-1)!.bytes).toBe('11223344');
  });

  it('goes on while the process address is invalid', async () => {
    expect(await readBack([map(), unmap({ flags: VADDR })])).toBe('11223344');
  });

  it('goes on when the files of container and group are closed', async () => {
    expect(await readBack([map(), close('c'), close('g0')])).toBe('11223344');
  });

  it('sees the mappings that were there before its group joined', async () => {
    const late: Op[] = [
      ...ready(),
      mmap('out', 1),
      map({ memory: 'out', iova: OUT }),
      map(),
      poke('m', 0, '11223344'),
      openGroup('g1'),
      setContainer('g1'),
      openDevice('d', 'g1'),
      ...setCommand(0x0107),
    ];
    expect((await outcomesOf(late, [...reading(IOVA), peek('out', 0, 4)])).at(-1)!.bytes).toBe('11223344');
  });

  it('goes to the page that was pinned, whatever the process does with its memory afterwards', async () => {
    const range = { memory: 'm', at: 0, length: PAGE };
    expect(await readBack([map(), { op: 'unmap', ...range }])).toBe('11223344');
    expect(await readBack([map(), { op: 'discard', ...range }])).toBe('11223344');
    expect(await readBack([map(), { op: 'discard', ...range }, poke('m', 0, '99')])).toBe('11223344');
    expect(await storedAt([map(), { op: 'discard', ...range }])).toBeUndefined();
    expect(await readBack([map(), { op: 'protect', ...range, protection: 'none' }])).toBe('11223344');
  });

  it('goes to the page of the parent after a fork', async () => {
    const fork: Op = { op: 'fork', as: 'child' };
    const child = { actor: 'child' };
    expect(await readBack([map(), fork, poke('m', 0, '99', child), poke('m', 1, '88')])).toBe('11883344');
    const forked = await outcomesOf([...setup(), map(), fork], [dma('to-memory', IOVA, 2), peek('m', 0, 4, child)]);
    expect(forked[0]!.changed).toEqual([{ memory: 'm', at: 0, bytes: '0000' }]);
    expect(forked[1]!.bytes).toBe('11223344');
  });

  it('goes to memory that several processes share', async () => {
    const shared: Op[] = [mmap('s', 1, { backing: 'shared' }), { op: 'fork', as: 'child' }, map({ memory: 's' })];
    const [outcome] = await outcomesOf([...setup(), ...shared], [dma('to-memory', IOVA, 1)]);
    const change = { memory: 's', at: 0, bytes: '00' };
    expect(outcome!.changed).toEqual([change, { process: 'child', ...change }]);
  });
});

describe('private memory that nobody touched', () => {
  const fresh = [mmap('fresh', 1, { fill: 'untouched' }), map({ memory: 'fresh', flags: READ })];

  it('shows the device what is stored there later', async () => {
    expect(await readBack([...fresh, poke('fresh', 0, '11223344')])).toBe('11223344');
  });

  it('shows the device zeros for ever with untouched_read_map=zero_page', async () => {
    const stage = { parameters: { untouched_read_map: 'zero_page' } };
    expect(await readBack([...fresh, poke('fresh', 0, '11223344')], IOVA, stage)).toBe('00000000');
  });
});

describe('the op dma', () => {
  it('gives EINVAL for what does not fit into the buffer', async () => {
    const ops = [dma('to-memory', 0, 0), dma('to-memory', 0, 4096), dma('to-memory', 0, 1, 4095)];
    expect(await resultsOf(withDevice(), [...ops, dma('to-memory', 0, 4095)])).toEqual([
      'EINVAL',
      'EINVAL',
      'EINVAL',
      0,
    ]);
  });

  it('fails as writing registers does', async () => {
    const of = (device: string) => ({ ...dma('to-memory', 0, 1), device }) as Op;
    const ops = [of('c'), of('g0'), close('c'), of('c'), ...setCommand(0x0105), of('d')];
    expect(await resultsOf(withDevice(), ops)).toEqual(['EINVAL', 'EINVAL', 0, 'EBADF', 0, 2, 'EIO']);
  });

  it('uses the part of the buffer that it is told to', async () => {
    const ops = [map(), dma('from-memory', IOVA, 4, 100), dma('to-memory', OUT, 4, 102), peek('out', 0, 4)];
    expect((await outcomesOf(setup(), ops)).at(-1)!.bytes).toBe('33440000');
  });
});

describe('bus mastering', () => {
  const command: Op = { op: 'pread', fd: 'd', offset: '0x70000000000', memory: 'args', at: 128, length: 6 };

  it('is off when the device is opened, and nothing moves then', async () => {
    const ops = [map(), dma('from-memory', IOVA, 4), dma('to-memory', IOVA, 4), command];
    const outcomes = await outcomesOf([...ready(), openDevice(), poke('m', 0, '11223344')], ops);
    expect(outcomes.map(({ value, changed }) => [value, changed?.[0]?.bytes])).toEqual([
      [0, undefined],
      [0, undefined],
      [0, undefined],
      [6, '3412e8110301'],
    ]);
  });

  it('is off again when the last file of the device was closed, not before', async () => {
    const again = [openDevice('e'), close('d'), command, close('e'), openDevice(), command];
    const fromE = again.map((op, i) => (i === 2 ? { ...op, fd: 'e' } : op)) as Op[];
    const outcomes = await outcomesOf(withDevice(), fromE);
    expect(outcomes[2]!.changed![0]!.bytes).toBe('3412e8110701');
    expect(outcomes[5]!.changed).toEqual([{ memory: 'args', at: 132, bytes: '03' }]);
  });

  it('turned off lets the device read zeros', async () => {
    const off = [map(), dma('from-memory', IOVA, 4), ...setCommand(0x0103), dma('from-memory', IOVA + 2, 4)];
    const ops = [...off, ...setCommand(0x0107), dma('to-memory', OUT, 4), peek('out', 0, 4)];
    expect((await outcomesOf(setup(), ops)).at(-1)!.bytes).toBe('00000000');
  });
});

describe('configuration space', () => {
  const at = { memory: 'args', at: 0 };
  const read = (offset: string, length: number): Op => ({ op: 'pread', fd: 'd', offset, length, ...at });

  it('drops stores to the identity', async () => {
    const ops: Op[] = [{ op: 'pwrite', fd: 'd', offset: '0x70000000000', length: 4, ...at }, read('0x70000000000', 4)];
    expect((await outcomesOf(withDevice(), ops))[1]!.changed![0]!.bytes).toBe('3412e811');
  });

  it('gives EFAULT behind its end, and for memory that is not there', async () => {
    const ops = [
      read('0x70000000100', 1),
      read('0x700000000ff', 2),
      { ...read('0x70000000000', 4), at: 4094 } as Op,
      read('0x70000000100', 0),
    ];
    expect(await resultsOf(withDevice(), ops)).toEqual(['EFAULT', 'EFAULT', 'EFAULT', 0]);
  });

  it('is region 7 of 9', async () => {
    expect(await resultsOf(withDevice(), [read('0x90000000000', 1), read('0x8000000000000000', 1)])).toEqual([
      'EINVAL',
      'EINVAL',
    ]);
  });
});
