import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '../../spec/uapi/adapter.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Machine, Op, Outcome, Slot } from '../../spec/uapi/vocabulary.ts';
import { kernelAdapter } from './kernel.ts';

// A first run downloads a kernel.

const setContainer = 0x3b68;
const setIommu = 0x3b66;
const mapDma = 0x3b71;
const single: Slot = { devices: 1, viable: true };

/** A container with the group of slot x in it, and what SET_IOMMU says. */
const attach: Op[] = [
  { op: 'mmap', as: 'arg', length: 4096 },
  { op: 'open', what: 'container', as: 'c' },
  { op: 'open', what: 'group', slot: 'x', as: 'g' },
  {
    op: 'ioctl',
    fd: 'g',
    number: setContainer,
    argument: { memory: 'arg', at: 0, bytes: '00000000', relocations: [{ at: 0, width: 4, ref: 'c' }] },
  },
  { op: 'ioctl', fd: 'c', number: setIommu, argument: { value: 3 } },
];

/** Bytes through a device: from one place of a mapped buffer to another. */
const transfer = (device: number): Op[] => [
  ...attach,
  { op: 'mmap', as: 'buffer', length: 4096 },
  {
    op: 'ioctl',
    fd: 'c',
    number: mapDma,
    argument: {
      memory: 'arg',
      at: 0,
      // argsz 32, flags read and write, address, I/O address 0x100000, size 4096
      bytes: '2000000003000000000000000000000000001000000000000010000000000000',
      relocations: [{ at: 8, width: 8, ref: 'buffer' }],
    },
  },
  { op: 'open', what: 'device', slot: 'x', group: 'g', device, as: 'd' },
  // Bus mastering and memory decoding, in the command register.
  { op: 'poke', memory: 'arg', at: 64, bytes: '0600' },
  { op: 'pwrite', fd: 'd', offset: '0x70000000004', memory: 'arg', at: 64, length: 2 },
  { op: 'poke', memory: 'buffer', at: 0, bytes: '0123456789abcdef' },
  { op: 'dma', device: 'd', direction: 'from-memory', iova: 0x100000, length: 8 },
  { op: 'dma', device: 'd', direction: 'to-memory', iova: 0x100800, length: 8 },
  { op: 'peek', memory: 'buffer', at: 0x800, length: 9 },
];

let counter = 0;

async function run(session: Session, slot: string, ops: Op[]): Promise<Outcome[]> {
  const topology = { slots: { x: session.description.environment.slots[slot]! } };
  const result = await session.run({ id: `p${counter++}`, topology, ops }, { x: slot });
  expect(result).toMatchObject({ end: 'completed' });
  return result.outcomes;
}

async function withMachine(
  version: string,
  machine: Machine,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await kernelAdapter({ version }).start({ machine, slots: [single] });
  try {
    await work(session);
  } finally {
    await session.stop();
  }
}

const emulators = (): string =>
  // Each is the child of its guard.
  execFileSync(
    'sh',
    ['-c', `for guard in $(pgrep -P ${process.pid} vfio-conform); do pgrep -P $guard qemu-system; done; true`],
    {
      encoding: 'utf8',
    },
  ).trim();

describe.each(['6.1', '6.12'])('Linux %s', (version) => {
  let session: Session;

  beforeAll(async () => {
    session = await kernelAdapter({ version }).start({
      machine: {},
      slots: [single, { devices: 3, viable: true }, { devices: 2, viable: false }],
    });
  });

  afterAll(() => session?.stop());

  it('says what it is', () => {
    expect(session.description.name).toBe('linux');
    expect(session.description.version).toMatch(new RegExp(`^${version.replace('.', '\\.')}\\.`));
    expect(session.description.environment).toMatchObject({
      id: 'default',
      slots: { s0: single, s1: { devices: 3 }, s2: { viable: false } },
    });
  });

  it.each([
    ['s0', 0],
    ['s1', 0],
    ['s1', 2],
  ])('moves bytes with slot %s, device %i', async (slot, device) => {
    const outcomes = await run(session, slot, transfer(device));
    expect(outcomes.at(-1)).toEqual({ value: 0, bytes: '0123456789abcdefff' });
  });

  it('moves as many bytes at once as it says, and refuses one more', async () => {
    const { dmaBufferBytes } = session.description.environment;
    const whole = (length: number): Op[] => [
      ...transfer(0).slice(0, -3),
      { op: 'dma', device: 'd', direction: 'from-memory', iova: 0x100000, length },
    ];
    expect((await run(session, 's0', whole(dmaBufferBytes))).at(-1)).toEqual({ value: 0 });
    expect((await run(session, 's0', whole(dmaBufferBytes + 1))).at(-1)).toEqual({ errno: 'EINVAL' });
  });

  it('has a group that is not viable', async () => {
    expect(await run(session, 's2', attach.slice(0, 4))).toMatchObject([{}, {}, {}, { errno: 'EPERM' }]);
  });

  const text = (path: string, words: string): Op[] => [
    { op: 'mmap', as: 'text', length: 4096 },
    { op: 'poke', memory: 'text', at: 0, bytes: Buffer.from(words).toString('hex') },
    { op: 'open', what: 'path', path, access: 'write', as: 'file' },
    { op: 'pwrite', fd: 'file', offset: 0, memory: 'text', at: 0, length: words.length },
  ];

  it('tells that the kernel logged a warning during a program, for the judge to weigh', async () => {
    const words = 'WARNING: CPU: 0 PID: 1 at a test';
    const result = await session.run(
      { id: 'warns', topology: { slots: {} }, ops: text('/dev/kmsg', `${words}\n`) },
      {},
    );
    expect(result.end).toBe('completed');
    expect(result.faults).toContain(words);
    expect(result.log).toContain(words);
    expect((await run(session, 's0', attach)).at(-1)).toEqual({ value: 0 });
  });

  it('fails the program that brings the kernel down, and goes on with the next', async () => {
    const result = await session.run(
      { id: 'panics', topology: { slots: {} }, ops: text('/proc/sysrq-trigger', 'c') },
      {},
    );
    expect(result.end).toBe('crashed');
    expect(JSON.stringify(result)).toMatch(/panic|sysrq/i);
    expect((await run(session, 's0', attach)).at(-1)).toEqual({ value: 0 });
  });

  it('cuts a program off that hangs in the kernel, and goes on with the next', async () => {
    const topology = { slots: { x: single } };
    const ops: Op[] = [
      ...attach,
      { op: 'open', what: 'device', slot: 'x', group: 'g', as: 'd' },
      { op: 'unbind_driver', slot: 'x', device: 0 },
    ];
    const result = await session.run({ id: 'hangs', topology, changes: [{ slot: 'x' }], ops }, { x: 's0' });
    expect(result.end).toBe('hung');
    expect((await run(session, 's0', attach)).at(-1)).toEqual({ value: 0 });
  });

  it('survives the death of its emulator', async () => {
    execFileSync('kill', ['-KILL', emulators()]);
    const lost = await session.run({ id: 'lost', topology: { slots: {} }, ops: [] }, {});
    expect(['lost', 'completed']).toContain(lost.end);
    expect((await run(session, 's0', attach)).at(-1)).toEqual({ value: 0 });
  });

  it('refuses the backend without interrupt remapping', () =>
    withMachine(version, { interruptRemapping: false }, async (session) => {
      expect((await run(session, 's0', attach)).at(-1)).toEqual({ errno: 'EPERM' });
    }));

  it('has no backend without the type1 module', () =>
    withMachine(version, { type1Module: false }, async (session) => {
      expect((await run(session, 's0', attach)).at(-1)).toEqual({ errno: 'ENODEV' });
    }));
});

describe('afterwards', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
    vi.stubEnv('TMPDIR', folder);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it('leaves no emulator and no folder behind', async () => {
    await withMachine('6.12', {}, async () => {
      expect(emulators()).not.toBe('');
      expect(readdirSync(folder)).toHaveLength(1);
    });
    expect(emulators()).toBe('');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says why a boot failed, and leaves nothing behind either', async () => {
    const failure = await kernelAdapter({ memoryMiB: 64 })
      .start({ machine: {}, slots: [single] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(String(failure)).toContain('Kernel panic');
    expect(emulators()).toBe('');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing behind when it is stopped right after a loss', async () => {
    await withMachine('6.12', {}, async (session) => {
      execFileSync('kill', ['-KILL', emulators()]);
      await session.run({ id: 'lost', topology: { slots: {} }, ops: [] }, {});
    });
    expect(emulators()).toBe('');
    expect(readdirSync(folder)).toEqual([]);
  });
});
