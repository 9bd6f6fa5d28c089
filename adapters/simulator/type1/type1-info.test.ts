import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { ioctl, le, leftBy, map, number, outcomesOf, PAGE, peek, poke, ready, resultsOf } from '../test-programs.ts';

const GET_INFO = number.VFIO_IOMMU_GET_INFO!;
const OLD = { parameters: { get_info_written: 'sixteen_or_twenty', dma_available_capability: 'twelve_bytes' } };

const getInfo = (argsz: number, at = 0): Op => ({
  op: 'ioctl',
  fd: 'c',
  number: GET_INFO,
  argument: { memory: 'args', at, bytes: le(argsz, 4) },
});
/** Page sizes and capabilities; 4 KiB, 2 MiB and 1 GiB. */
const FIXED = le(3, 4) + le(0x4020_1000, 8);
const capability = (id: number, next: number, content: string) => le(id, 2) + le(1, 2) + le(next, 4) + content;
const MIGRATION = capability(2, 56, le(0, 8) + le(PAGE, 8) + le(0x1000_0000, 8));
const RANGES = (last: bigint) =>
  capability(1, 0, le(2, 8) + le(0, 8) + le(0xfedf_ffff, 8) + le(0xfef0_0000, 8) + le(last, 8));

describe('GET_INFO of a container', () => {
  it('gives EFAULT below 16 readable bytes, and EINVAL for a size below 16, and writes nothing', async () => {
    const outcomes = await outcomesOf(ready(), [ioctl('c', GET_INFO), getInfo(24, PAGE - 15), getInfo(15)]);
    expect(outcomes).toEqual([{ errno: 'EFAULT' }, { errno: 'EFAULT' }, { errno: 'EINVAL' }]);
  });

  it('tells page sizes, and the chain of capabilities behind 24 bytes', async () => {
    const chain = MIGRATION + capability(3, 72, le(65535, 8)) + RANGES(2n ** 39n - 1n);
    expect(await leftBy(ready(), [getInfo(120)], 122)).toBe(`${le(120, 4) + FIXED + le(24, 8) + chain}5a5a`);
  });

  it('has a shorter capability with dma_available_capability=twelve_bytes', async () => {
    const chain = MIGRATION + capability(3, 68, le(65535, 4)) + RANGES(2n ** 39n - 1n);
    const header = `${le(200, 4) + FIXED + le(24, 4)}5a5a5a5a`;
    expect(await leftBy(ready(), [getInfo(200)], 118, OLD)).toBe(`${header + chain}5a5a`);
  });

  it('tells how many mappings may still be made, and how far addresses go', async () => {
    const ops = [map(), map({ iova: 0 }), getInfo(120)];
    const left = await leftBy(ready(), ops, 120, { machine: { addressBits: 48 } });
    expect(left.slice(2 * 56)).toBe(capability(3, 72, le(65533, 8)) + RANGES(2n ** 48n - 1n));
  });

  it.each([
    [16, 16],
    [17, 17],
    [20, 20],
    [24, 24],
    [119, 24],
  ])('with a size of %i, too small for the chain, tells the size needed in %i bytes', async (argsz, written) => {
    const whole = le(120, 4) + FIXED + le(0, 8);
    expect(await leftBy(ready(), [getInfo(argsz)], 32)).toBe(whole.slice(0, 2 * written).padEnd(64, '5a'));
  });

  it.each([
    [16, 16],
    [19, 16],
    [20, 20],
    [115, 20],
  ])('with a size of %i writes %2$i bytes with get_info_written=sixteen_or_twenty', async (argsz, written) => {
    const whole = le(116, 4) + FIXED + le(0, 8);
    expect(await leftBy(ready(), [getInfo(argsz)], 32, OLD)).toBe(whole.slice(0, 2 * written).padEnd(64, '5a'));
  });

  it('with 20 bytes of memory and a size of 24 faults, unless only 20 bytes are written', async () => {
    expect(await resultsOf(ready(), [getInfo(24, PAGE - 20)])).toEqual(['EFAULT']);
    expect(await resultsOf(ready(), [getInfo(24, PAGE - 20)], OLD)).toEqual([0]);
  });

  it('writes the chain first: a fault in it leaves the header as it was', async () => {
    const at = PAGE - 119;
    const ops = [poke('args', at + 4, '5a'.repeat(20)), getInfo(120, at), peek('args', at, 24)];
    const outcomes = await outcomesOf(ready(), ops);
    expect(outcomes[1]!.errno).toBe('EFAULT');
    expect(outcomes[2]!.bytes).toBe(le(120, 4) + '5a'.repeat(20));
  });

  it('leaves the chain when the header cannot be written', async () => {
    const ops: Op[] = [
      { op: 'mmap', as: 'two', length: 2 * PAGE },
      poke('two', PAGE - 24, le(120, 4)),
      { op: 'protect', memory: 'two', at: 0, length: PAGE, protection: 'read' },
      { op: 'ioctl', fd: 'c', number: GET_INFO, argument: { memory: 'two', at: PAGE - 24 } },
      peek('two', PAGE, 8),
    ];
    const outcomes = await outcomesOf(ready(), ops);
    expect(outcomes.at(-2)!.errno).toBe('EFAULT');
    expect(outcomes.at(-1)!.bytes).toBe(capability(2, 56, ''));
  });

  it('gives ENOMEM, and writes nothing, when there is no memory for a capability', async () => {
    for (const nth of [1, 2, 3, 4]) {
      const ops: Op[] = [{ op: 'inject', fault: 'allocation', nth }, getInfo(120), getInfo(120)];
      const outcomes = await outcomesOf([...ready(), poke('args', 0, le(120, 4))], ops);
      expect(outcomes.map(({ errno, value }) => errno ?? value)).toEqual([0, 'ENOMEM', 0]);
      expect(outcomes[1]!.changed).toBeUndefined();
    }
  });
});
