// What the machines are for, seen by real kernels.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../spec/uapi/adapter.ts';
import type { Machine, Op, Outcome, Slot } from '../../spec/uapi/vocabulary.ts';
import { kernelAdapter } from './kernel.ts';

// A first run downloads a kernel.

const checkExtension = 0x3b65;
const setIommu = 0x3b66;
const getStatus = 0x3b67;
const setContainer = 0x3b68;
const getDeviceFd = 0x3b6a;
const getDeviceInfo = 0x3b6b;
const setInterrupts = 0x3b6e;
const reset = 0x3b6f;
const mapDma = 0x3b71;

const plain: Slot = { devices: 1, viable: true };
const resettable: Slot = { ...plain, resettable: true };

const argument: Op = { op: 'mmap', as: 'arg', length: 4096 };
const containerAndGroup: Op[] = [
  { op: 'open', what: 'container', as: 'c' },
  { op: 'open', what: 'group', slot: 'x', as: 'g' },
];
/** Puts the group into the container and sets the backend. */
const setUp: Op[] = [
  {
    op: 'ioctl',
    fd: 'g',
    number: setContainer,
    argument: { memory: 'arg', at: 0, bytes: '00000000', relocations: [{ at: 0, width: 4, ref: 'c' }] },
  },
  { op: 'ioctl', fd: 'c', number: setIommu, argument: { value: 3 } },
];
const attach: Op[] = [argument, ...containerAndGroup, ...setUp];
const openDevice: Op = { op: 'open', what: 'device', slot: 'x', group: 'g', as: 'd' };

/** Maps a page at an I/O address, given as 8 bytes. */
const map = (iova: string): Op[] => [
  { op: 'mmap', as: 'page', length: 4096 },
  {
    op: 'ioctl',
    fd: 'c',
    number: mapDma,
    argument: {
      memory: 'arg',
      at: 0,
      bytes: `20000000030000000000000000000000${iova}0010000000000000`,
      relocations: [{ at: 8, width: 8, ref: 'page' }],
    },
  },
];

let counter = 0;

async function run(session: Session, slot: string, ops: Op[]): Promise<Outcome[]> {
  const topology = { slots: { x: session.description.environment.slots[slot]! } };
  const result = await session.run({ id: `p${counter++}`, topology, ops }, { x: slot });
  expect(result).toMatchObject({ end: 'completed' });
  return result.outcomes;
}

async function last(session: Session, slot: string, ops: Op[]): Promise<Outcome> {
  return (await run(session, slot, ops)).at(-1)!;
}

describe.each(['6.1', '6.12'])('Linux %s', (version) => {
  let session: Session;

  beforeAll(async () => {
    session = await kernelAdapter({ version }).start({ machine: {}, slots: [plain, resettable, resettable] });
  });

  afterAll(() => session?.stop());

  it('resets the devices that say that they can be reset, and no others', async () => {
    const info: Op = {
      op: 'ioctl',
      fd: 'd',
      number: getDeviceInfo,
      argument: { memory: 'arg', at: 0, bytes: '10000000' },
    };
    const flags: Op = { op: 'peek', memory: 'arg', at: 4, length: 4 };
    const program: Op[] = [
      ...attach,
      openDevice,
      info,
      flags,
      { op: 'ioctl', fd: 'd', number: reset, argument: { value: 0 } },
    ];
    const answers = async (slot: string): Promise<Outcome[]> => (await run(session, slot, program)).slice(-2);
    expect(await answers('s0')).toEqual([{ value: 0, bytes: '02000000' }, { errno: 'EINVAL' }]);
    expect(await answers('s1')).toEqual([{ value: 0, bytes: '03000000' }, { value: 0 }]);
    expect(await answers('s2')).toEqual([{ value: 0, bytes: '03000000' }, { value: 0 }]);
  });

  it.each(['s0', 's1', 's2'])('has a viable group of one device in slot %s', async (slot) => {
    const outcomes = await run(session, slot, [
      argument,
      ...containerAndGroup,
      { op: 'ioctl', fd: 'g', number: getStatus, argument: { memory: 'arg', at: 0, bytes: '08000000' } },
      { op: 'peek', memory: 'arg', at: 4, length: 4 },
    ]);
    expect(outcomes.at(-1)).toEqual({ value: 0, bytes: '01000000' });
  });

  it('moves bytes with a device behind a port, also after a reset', async () => {
    const outcomes = await run(session, 's1', [
      ...attach,
      ...map('0000100000000000'),
      openDevice,
      { op: 'ioctl', fd: 'd', number: reset, argument: { value: 0 } },
      // Bus mastering and memory decoding, in the command register.
      { op: 'poke', memory: 'arg', at: 64, bytes: '0600' },
      { op: 'pwrite', fd: 'd', offset: '0x70000000004', memory: 'arg', at: 64, length: 2 },
      { op: 'poke', memory: 'page', at: 0, bytes: '0123456789abcdef' },
      { op: 'dma', device: 'd', direction: 'from-memory', iova: 0x100000, length: 8 },
      { op: 'dma', device: 'd', direction: 'to-memory', iova: 0x100800, length: 8 },
      { op: 'peek', memory: 'page', at: 0x800, length: 9 },
    ]);
    expect(outcomes.at(-1)).toEqual({ value: 0, bytes: '0123456789abcdefff' });
  });

  it.each([
    ['{name}', { fd: 'd' }],
    ['{name}  ', { fd: 'd' }],
    ['{name} junk', { errno: 'EINVAL' }],
    ['{cut}', { errno: 'ENODEV' }],
    [' {name}', { errno: 'ENODEV' }],
    ['', { errno: 'ENODEV' }],
  ])('finds a device by its name, spelled %j', async (spelling, outcome) => {
    expect(await last(session, 's0', [...attach, { ...openDevice, spelling }])).toEqual(outcome);
  });

  it('refuses a name that is too long to be one', async () => {
    const answer = (spelling: string) => last(session, 's0', [...attach, { ...openDevice, spelling }]);
    expect(await answer('a'.repeat(4095))).toEqual({ errno: 'ENODEV' });
    for (const spelling of ['a'.repeat(4096), '\u00e9'.repeat(2048), '{name}'.padEnd(5000, 'x')])
      expect(await answer(spelling)).toEqual({ errno: 'EINVAL' });
  });

  it('gives another process a device by a plain ioctl, and tells it of an interrupt', async () => {
    const interrupts = (bytes: string, event: boolean): Op => ({
      op: 'ioctl',
      fd: 'd',
      number: setInterrupts,
      actor: 'child',
      argument: { memory: 'arg', at: 64, bytes, ...(event && { relocations: [{ at: 20, width: 4, ref: 'e' }] }) },
    });
    const outcomes = await run(session, 's0', [
      ...attach,
      { op: 'fork', as: 'child' },
      {
        op: 'ioctl',
        fd: 'g',
        number: getDeviceFd,
        actor: 'child',
        argument: { memory: 'arg', at: 0, bytes: Buffer.from('0000:00:03.0\0').toString('hex') },
        as: 'd',
      },
      { op: 'close_on_exec', fd: 'd', actor: 'child' },
      { op: 'open', what: 'event', as: 'e', actor: 'child' },
      // Event of MSI 0, then the same interrupt made by hand: DATA_NONE and TRIGGER.
      interrupts('180000002400000001000000000000000100000000000000', true),
      interrupts('1400000021000000010000000000000001000000', false),
      { op: 'read_event', fd: 'e', actor: 'child' },
      { op: 'read_event', fd: 'e', actor: 'child' },
    ]);
    expect(outcomes.slice(-7)).toEqual([
      { fd: 'd' },
      { value: 1 },
      { fd: 'e' },
      { value: 0 },
      { value: 0 },
      { value: 1 },
      { value: 0 },
    ]);
  });

  it.each<[Machine, Op[], Outcome]>([
    [{ interruptRemapping: false }, attach, { errno: 'EPERM' }],
    [{ type1Module: false }, attach, { errno: 'ENODEV' }],
    // 2^39 lies outside of 39 bits, the last page of 48 inside.
    [{}, [...attach, ...map('0000000080000000')], { errno: 'EINVAL' }],
    [{ addressBits: 48 }, [...attach, ...map('00f0ffffffff0000')], { value: 0 }],
    [
      { snoopControl: true },
      [...attach, { op: 'ioctl', fd: 'c', number: checkExtension, argument: { value: 4 } }],
      { value: 1 },
    ],
  ])('has the property that tells a machine from others: %j', async (machine, ops, outcome) => {
    const special = await kernelAdapter({ version }).start({ machine, slots: [plain, resettable] });
    try {
      expect(await last(special, 's0', ops)).toEqual(outcome);
      expect(await last(special, 's1', ops)).toEqual(outcome);
    } finally {
      await special.stop();
    }
  });
});
