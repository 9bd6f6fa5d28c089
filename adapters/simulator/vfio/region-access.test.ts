import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  close,
  leftBy,
  map,
  mmap,
  openDevice,
  outcomesOf,
  PAGE,
  peek,
  readRegion,
  ready,
  resultsOf,
  run,
  unmap,
  withDevice,
  writeRegion,
} from '../test-programs.ts';

const CONFIG = 7;
const FOUR_BYTES = { parameters: { region_access_width: 'four_bytes' } };
const setup = () => [...ready(), openDevice()];
const config = (at: number, length: number, ops: Op[] = [], stage = {}) =>
  leftBy(setup(), [...ops, readRegion(CONFIG, at, length)], length, stage);
const registers = (at: number, length: number, ops: Op[] = [], stage = {}) =>
  leftBy(setup(), [...ops, readRegion(0, at, length)], length, stage);
const decodingOff = writeRegion(CONFIG, 4, '0101');
const mapRegion = (as: string, offset: number | string, pages: number, more = {}): Op =>
  mmap(as, pages, { backing: 'fd', fd: 'd', offset, ...more });

describe('configuration space', () => {
  it('is that of the test device', async () => {
    expect(await config(0, 16)).toBe('3412e81103011000 1000ff00 00000000'.replaceAll(' ', ''));
    expect(await config(0x2c, 12)).toBe('f41a0011000000004000'.padEnd(24, '0'));
    expect(await config(0x3c, 8)).toBe('0b01000005008000');
  });

  it('ends after 256 bytes: beyond, nothing is transferred', async () => {
    const ops = [readRegion(CONFIG, 0, 257), readRegion(CONFIG, 256, 1), readRegion(CONFIG, 255, 2)];
    const writes = [writeRegion(CONFIG, 252, '0000000000')[1]!, readRegion(CONFIG, 252, 4)];
    expect(await outcomesOf(setup(), [...ops, ...writes])).toMatchObject([
      { errno: 'EFAULT' },
      { errno: 'EFAULT' },
      { errno: 'EFAULT' },
      { errno: 'EFAULT' },
      { value: 4 },
    ]);
    expect(await resultsOf(setup(), [readRegion(CONFIG, 256, 0)])).toEqual([0]);
  });

  it('is not behind any place, up to the last of all; behind that, none is positive', async () => {
    const at = (offset: string, length: number): Op => ({ ...readRegion(CONFIG, 0, length), offset }) as Op;
    const last = '0x7fffffffffffffff';
    expect(await resultsOf(setup(), [at(last, 0), at(last, 1), at('0x8000000000000000', 0)])).toEqual([
      0,
      'EINVAL',
      'EINVAL',
    ]);
  });

  it('takes what may be written, bit by bit', async () => {
    const all = [...Array(64).keys()].filter((i) => i !== 1);
    const ones = all.flatMap((i) => writeRegion(CONFIG, i * 4, 'ffffffff'));
    const header = `3412e811030110001000ff00ff0000000000f0ff${'00'.repeat(24)}f41a001100000000`;
    expect(await config(0, 256, ones)).toBe(`${header}4000000000000000ff010000${'05008e00'}${'ff'.repeat(256 - 0x44)}`);
    const zeros = all.flatMap((i) => writeRegion(CONFIG, i * 4, '00000000'));
    const cleared = `3412e811030110001000ff0000000000${'00'.repeat(28)}f41a001100000000`;
    expect(await config(0, 256, [...ones, ...zeros])).toBe(
      `${cleared}400000000000000000010000${'05000000'}${'00'.repeat(256 - 0x44)}`,
    );
  });

  it.each([
    ['ffff', '0705'],
    ['0000', '0000'],
    ['0004', '0004'],
    ['07', '0701'],
  ])('keeps of %s in the command register %s', async (written, kept) => {
    expect(await config(4, 2, writeRegion(CONFIG, 4, written))).toBe(kept);
  });

  it('can be accessed in any part', async () => {
    const ops = [...writeRegion(CONFIG, 0x4e, 'a1a2a3a4'), ...writeRegion(CONFIG, 0x4b, 'b1b2b3')];
    expect(await config(0x4a, 9, ops)).toBe('00b1b2b3a1a2a3a400');
  });

  it('stays as it was written, in what has no meaning, when the device is closed; the rest does not', async () => {
    const ops = [
      ...writeRegion(CONFIG, 0x50, 'aa'),
      ...writeRegion(CONFIG, 0x0c, 'bb'),
      ...writeRegion(CONFIG, 0x3c, '77'),
    ];
    const again = [close('d'), openDevice(), readRegion(CONFIG, 0x0c, 1), readRegion(CONFIG, 0x50, 1, 1)];
    expect(await leftBy(setup(), [...ops, ...again, readRegion(CONFIG, 0x3c, 1, 2)], 3)).toBe('00aa0b');
  });

  it('stores what came before a fault', async () => {
    const faulting: Op = { ...readRegion(CONFIG, 0, 8), at: PAGE - 4 } as Op;
    const outcomes = await outcomesOf(setup(), [faulting, peek('args', PAGE - 4, 4)]);
    expect(outcomes.map(({ errno, bytes }) => errno ?? bytes)).toEqual(['EFAULT', '3412e811']);
  });

  it('gives EFAULT at an injected fault, with what came before it done', async () => {
    const write = writeRegion(CONFIG, 0x50, '11223344aabbccdd');
    const ops: Op[] = [write[0]!, { op: 'inject', fault: 'copy', nth: 2 }, write[1]!];
    expect(await config(0x50, 8, ops)).toBe('1122334400000000');
    expect((await outcomesOf(setup(), ops)).at(-1)!.errno).toBe('EFAULT');
  });
});

describe('the registers of the device', () => {
  it.each([
    [0, 4, 'ed000001'],
    [0, 2, '0000'],
    [1, 1, '00'],
    [0x80, 8, '0000000000000000'],
    [0x84, 4, 'ffffffff'],
    [0x100, 4, 'ffffffff'],
    [0x7c, 8, 'ffffffff00000000'],
  ])('show at %i in %i bytes %s', async (at, length, bytes) => {
    expect(await registers(at, length)).toBe(bytes);
  });

  it('invert what is stored there, and calculate', async () => {
    expect(await registers(4, 4, writeRegion(0, 4, '01020304'))).toBe('fefdfcfb');
    expect(await registers(8, 4, writeRegion(0, 8, '05000000'))).toBe('78000000');
    expect(await registers(8, 4, writeRegion(0, 8, 'ffffffff'))).toBe('00000000');
  });

  it.each([0x80, 0x88, 0x90])('keep 8 bytes at %i that are accessed at once', async (at) => {
    const whole = writeRegion(0, at, '1122334455667788');
    expect(await registers(at, 8, whole)).toBe('1122334455667788');
    expect(await registers(at, 4, whole)).toBe('11223344');
    expect(await registers(at, 8, [...whole, ...writeRegion(0, at, 'a1a2a3a4')])).toBe('a1a2a3a400000000');
    expect(await registers(at, 8, [...whole, ...writeRegion(0, at + 4, 'a1a2a3a4')])).toBe('1122334455667788');
  });

  it('are accessed in 4 bytes at most with region_access_width=four_bytes', async () => {
    const whole = writeRegion(0, 0x80, '1122334455667788');
    expect(await registers(0x80, 8, whole, FOUR_BYTES)).toBe('11223344ffffffff');
    expect(await registers(0, 8, [], FOUR_BYTES)).toBe('ed00000100000000');
    expect(await registers(0, 8)).toBe('ffffffffffffffff');
  });

  it('end after a megabyte', async () => {
    const ops = [readRegion(0, 0xf_fffc, 8), readRegion(0, 0x10_0000, 4), readRegion(0, 0x10_0000, 0)];
    const writes = [writeRegion(0, 0xf_fffc, '0000000000000000')[1]!, writeRegion(0, 0x10_0000, '00')[1]!];
    expect(await resultsOf(setup(), [...ops, ...writes])).toEqual([4, 'EINVAL', 0, 4, 'EINVAL']);
  });

  it('give EIO while memory is not decoded, unless the write cannot be read', async () => {
    const unreadable = { ...writeRegion(0, 4, '00000000')[1]!, at: PAGE - 2 } as Op;
    const ops = [readRegion(0, 0, 4), writeRegion(0, 4, '00000000')[1]!, unreadable, readRegion(0, 0x10_0000, 4)];
    expect(await resultsOf([...setup(), ...decodingOff], ops)).toEqual(['EIO', 'EIO', 'EFAULT', 'EINVAL']);
    expect(
      await resultsOf([...setup(), ...decodingOff, ...writeRegion(CONFIG, 4, '03')], [readRegion(0, 0, 4)]),
    ).toEqual([4]);
  });

  it('store what came before a fault', async () => {
    const faulting: Op = { ...readRegion(0, 0, 4), at: PAGE - 2 } as Op;
    const outcomes = await outcomesOf(setup(), [faulting]);
    expect(outcomes).toEqual([{ errno: 'EFAULT', changed: [{ memory: 'args', at: PAGE - 2, bytes: 'ed00' }] }]);
  });

  it('show what the last transfer was', async () => {
    const transfer: Op = { op: 'dma', device: 'd', direction: 'to-memory', iova: 0x10_0010, length: 4, at: 8 };
    const left = await leftBy(withDevice(), [map(), transfer, readRegion(0, 0x80, 32)], 32);
    expect(left).toBe('0800040000000000' + '1000100000000000' + '0400000000000000' + '0200000000000000');
  });

  it('end the machine when a transfer leaves the buffer', async () => {
    const ops = [
      ...writeRegion(0, 0x88, '00000400'),
      ...writeRegion(0, 0x90, '01100000'),
      ...writeRegion(0, 0x98, '01'),
    ];
    expect((await run([...withDevice(), ...ops])).end).toBe('completed');
    expect((await run([...withDevice(), ...ops, ...writeRegion(0, 0x98, '01000000')])).end).toBe('crashed');
  });
});

describe('other regions', () => {
  it.each([1, 5, 6, 8, 9, 100])('give EINVAL: %i', async (region) => {
    const ops = [readRegion(region, 0, 4), writeRegion(region, 0, '00')[1]!, readRegion(region, 0, 0)];
    expect(await resultsOf(setup(), ops)).toEqual(['EINVAL', 'EINVAL', 0]);
  });
});

describe('a mapping of a device', () => {
  it('can be had of what has registers, and of no more', async () => {
    const ops = [
      mapRegion('a', 0, 1),
      mapRegion('b', 0, 256),
      mapRegion('c1', 0xf_f000, 1),
      mapRegion('e', 0, 257),
      mapRegion('f', 0xf_f000, 2),
      mapRegion('g', 0x10_0000, 1),
      mapRegion('h', '0x10000000000', 1),
      mapRegion('i', '0x60000000000', 1),
      mapRegion('j', '0x70000000000', 1),
      mapRegion('k', '0x80000000000', 1),
      mapRegion('l', 100, 1),
      mapRegion('m1', '0xfffffffffffff000', 1),
    ];
    expect(await resultsOf(setup(), ops)).toEqual([0, 0, 0, ...Array(8).fill('EINVAL'), 'EOVERFLOW']);
  });

  it('can be given to devices while memory is decoded', async () => {
    const bar = map({ memory: 'bar' });
    const ops = [...decodingOff, bar, ...writeRegion(CONFIG, 4, '0301'), bar, unmap(), ...decodingOff];
    expect(await resultsOf([...setup(), mapRegion('bar', 0, 1)], ops)).toEqual([0, 2, 'EFAULT', 0, 2, 0, 0, 0, 2]);
  });
});
