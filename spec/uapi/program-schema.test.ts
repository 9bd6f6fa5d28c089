import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { packageRoot } from './package-root.ts';
import { validator } from './validator.ts';
import type { Op } from './vocabulary.ts';

const accepts = (schema: string, value: unknown) => validator(schema)(value);

/** For each op: values of the vocabulary, and near misses. */
const examples: { [Kind in Op['op']]: { accepted: Extract<Op, { op: Kind }>[]; rejected: object[] } } = {
  open: {
    accepted: [
      { op: 'open', what: 'container', as: 'c' },
      { op: 'open', what: 'group', slot: 'g', as: 'g', access: 'read' },
      { op: 'open', what: 'device', group: 'g', slot: 'g', device: 1, as: 'd' },
      { op: 'open', what: 'path', path: '/dev/null', as: 'n', access: 'path' },
      { op: 'open', what: 'device', group: 'g', slot: 'g', as: 'd', spelling: '{name}  ' },
      { op: 'open', what: 'device', group: 'g', slot: 'g', as: 'd', spelling: '{cut}' },
      { op: 'open', what: 'device', group: 'g', slot: 'g', as: 'd', spelling: '' },
      { op: 'open', what: 'pipe', as: 'p' },
      { op: 'open', what: 'event', as: 'e' },
    ],
    rejected: [
      { op: 'open', what: 'socket', as: 'c' },
      { op: 'open', what: 'container', as: 'C' },
      { op: 'open', what: 'container', as: 'c', access: 'append' },
      { op: 'open', what: 'path', path: 'dev/null', as: 'n' },
      { op: 'open', what: 'device', group: 'g', device: -1, as: 'd' },
      { op: 'open', what: 'device', group: 'g', slot: 'g', as: 'd', spelling: '{name}{name}' },
      { op: 'open', what: 'device', group: 'g', slot: 'g', as: 'd', spelling: '{other}' },
    ],
  },
  close: { accepted: [{ op: 'close', fd: 'c' }], rejected: [{ op: 'close', fd: 3 }] },
  seek: {
    accepted: [{ op: 'seek', fd: 'c', offset: 0 }],
    rejected: [{ op: 'seek', fd: 'c', offset: '0x8000000000000000000' }],
  },
  close_on_exec: { accepted: [{ op: 'close_on_exec', fd: 'c' }], rejected: [{ op: 'close_on_exec', fd: 3 }] },
  read_event: { accepted: [{ op: 'read_event', fd: 'e' }], rejected: [{ op: 'read_event', fd: '' }] },
  truncate: {
    accepted: [{ op: 'truncate', memory: 'file', length: 0 }],
    rejected: [{ op: 'truncate', memory: 'file', length: -1 }],
  },
  plug: { accepted: [{ op: 'plug', slot: 'g' }], rejected: [{ op: 'plug' }] },
  lock: {
    accepted: [{ op: 'lock', memory: 'ram', at: 0, length: 4096 }],
    rejected: [{ op: 'lock', memory: 'ram', at: -1, length: 4096 }],
  },
  dup: { accepted: [{ op: 'dup', fd: 'c', as: 'twin' }], rejected: [{ op: 'dup', fd: 'c', as: '1st' }] },
  ioctl: {
    accepted: [
      { op: 'ioctl', fd: 'c', number: 0x3b64, argument: { value: 0 } },
      { op: 'ioctl', fd: 'c', number: '0xffffffff00003b64', argument: { value: '0xffffffffffffffff' }, as: 'd' },
      {
        op: 'ioctl',
        fd: 'c',
        number: 0x3b71,
        argument: { memory: 'arg', at: 8, bytes: '00ff', relocations: [{ at: 0, width: 8, ref: 'ram', add: -1 }] },
        save: [{ name: 'size', at: 16, width: 8 }],
      },
    ],
    rejected: [
      { op: 'ioctl', fd: 'c', number: 0x3b64, argument: 0 },
      { op: 'ioctl', fd: 'c', number: 0x3b64, argument: { value: 0, memory: 'arg', at: 0 } },
      { op: 'ioctl', fd: 'c', number: 0x3b64, argument: { memory: 'arg', at: -1 } },
      { op: 'ioctl', fd: 'c', number: 0x3b64, argument: { memory: 'arg', at: 0, bytes: '0' } },
      { op: 'ioctl', fd: 'c', number: 0x3b64, argument: { memory: 'arg', at: 0, bytes: 'FF' } },
      {
        op: 'ioctl',
        fd: 'c',
        number: 0x3b64,
        argument: { memory: 'arg', at: 0, relocations: [{ at: 0, width: 2, ref: 'ram' }] },
      },
      { op: 'ioctl', fd: 'c', number: '0x10000000000000000', argument: { value: 0 } },
      { op: 'ioctl', fd: 'c', number: '15204', argument: { value: 0 } },
      { op: 'ioctl', fd: 'c', number: 0x80000001, argument: { value: 0 } },
    ],
  },
  mmap: {
    accepted: [
      { op: 'mmap', as: 'ram', length: 4096 },
      {
        op: 'mmap',
        as: 'bar',
        length: 4096,
        backing: 'fd',
        fd: 'd',
        offset: '0x10000000000',
        protection: 'none',
        fill: 'untouched',
      },
    ],
    rejected: [
      { op: 'mmap', as: 'ram', length: '4096' },
      { op: 'mmap', as: 'ram', length: 4096, protection: 'execute' },
      { op: 'mmap', as: 'ram', length: 4096, backing: 'swap' },
    ],
  },
  protect: {
    accepted: [{ op: 'protect', memory: 'ram', at: 0, length: 4096, protection: 'read' }],
    rejected: [{ op: 'protect', memory: 'ram', at: 0, length: 4096, protection: 'rw' }],
  },
  unmap: {
    accepted: [{ op: 'unmap', memory: 'ram', at: 0, length: 4096 }],
    rejected: [{ op: 'unmap', memory: 'ram', at: 0.5, length: 4096 }],
  },
  discard: {
    accepted: [{ op: 'discard', memory: 'ram', at: 0, length: 4096 }],
    rejected: [{ op: 'discard', memory: 'ram', at: 0, length: -4096 }],
  },
  poke: {
    accepted: [
      { op: 'poke', memory: 'ram', at: 5, bytes: '', relocations: [] },
      { op: 'poke', memory: 'ram', at: 5, bytes: 'a0' },
    ],
    rejected: [{ op: 'poke', memory: 'ram', at: 5, bytes: '0xa0' }],
  },
  peek: {
    accepted: [{ op: 'peek', memory: 'ram', at: 0, length: 1 }],
    rejected: [{ op: 'peek', memory: 'ram', at: 0, length: null }],
  },
  pread: {
    accepted: [{ op: 'pread', fd: 'd', offset: '0x70000000000', memory: 'arg', at: 0, length: 2 }],
    rejected: [{ op: 'pread', fd: 'd', offset: 7.5, memory: 'arg', at: 0, length: 2 }],
  },
  pwrite: {
    accepted: [{ op: 'pwrite', fd: 'd', offset: 0, memory: 'arg', at: 0, length: 2 }],
    rejected: [{ op: 'pwrite', fd: 'd', offset: '0X0', memory: 'arg', at: 0, length: 2 }],
  },
  dma: {
    accepted: [
      { op: 'dma', device: 'd', direction: 'from-memory', iova: '0xfffff000', length: 16 },
      { op: 'dma', device: 'd', direction: 'to-memory', iova: 0, length: 0, at: 4, pasid: 1 },
    ],
    rejected: [{ op: 'dma', device: 'd', direction: 'sideways', iova: 0, length: 1 }],
  },
  fork: { accepted: [{ op: 'fork', as: 'child' }], rejected: [{ op: 'fork', as: 'child/two' }] },
  exit: { accepted: [{ op: 'exit', actor: 'child' }], rejected: [{ op: 'exit', status: 1 }] },
  rlimit: {
    accepted: [
      { op: 'rlimit', resource: 'memlock', value: '0xffffffffffffffff' },
      { op: 'rlimit', resource: 'nofile', value: 3 },
    ],
    rejected: [{ op: 'rlimit', resource: 'cpu', value: 1 }],
  },
  drop_capability: {
    accepted: [{ op: 'drop_capability', capability: 'ipc_lock' }],
    rejected: [{ op: 'drop_capability', capability: 'CAP_IPC_LOCK' }],
  },
  set_parameter: {
    accepted: [{ op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'dma_entry_limit', value: '2' }],
    rejected: [
      { op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'dma_entry_limit', value: 2 },
      { op: 'set_parameter', module: '../vfio', parameter: 'dma_entry_limit', value: '2' },
    ],
  },
  bind_driver: {
    accepted: [
      { op: 'bind_driver', slot: 'g', device: 'bound_to_host_driver', driver: 'host' },
      { op: 'bind_driver', slot: 'g', device: 0, driver: 'vfio-pci' },
    ],
    rejected: [
      { op: 'bind_driver', slot: 'g', device: 'second', driver: 'host' },
      { op: 'bind_driver', slot: 'g', device: 0, driver: 'e1000' },
    ],
  },
  unbind_driver: {
    accepted: [{ op: 'unbind_driver', slot: 'g', device: 0 }],
    rejected: [{ op: 'unbind_driver', slot: 'g', device: -1 }],
  },
  inject: { accepted: [{ op: 'inject', fault: 'copy', nth: 1 }], rejected: [{ op: 'inject', fault: 'copy', nth: 0 }] },
  barrier: { accepted: [{ op: 'barrier' }], rejected: [{ op: 'barrier', concurrent: 'yes' }] },
};

const definitions = JSON.parse(readFileSync(`${packageRoot}/spec/uapi/schema/program.schema.json`, 'utf8')).$defs;
const kinds: string[] = definitions.op.oneOf.map(({ $ref }: { $ref: string }) => $ref.split('/').at(-1));
const anyOp = 'program.schema.json#/$defs/op';

describe('the ops of programs', () => {
  test('each has a title and examples of its own', () => {
    expect(Object.keys(examples).sort()).toEqual([...kinds].sort());
    for (const kind of kinds) expect(definitions[kind].title, kind).toMatch(/^[A-Z][A-Za-z]+Op$/);
  });

  describe.each(Object.entries(examples))('%s', (kind, { accepted, rejected }) => {
    test.each(accepted.map((one) => [JSON.stringify(one), one] as const))('accepts %s', (_, one) => {
      expect(accepts(anyOp, one)).toBe(true);
      expect(accepts(anyOp, { ...one, actor: 'child/one', concurrent: true })).toBe(true);
    });

    test.each(rejected.map((one) => [JSON.stringify(one), one] as const))('rejects %s', (_, one) => {
      expect((one as { op: string }).op).toBe(kind);
      expect(accepts(anyOp, one)).toBe(false);
    });

    test('rejects an unknown key, a missing one, and an actor that is no name', () => {
      const [one] = accepted;
      expect(accepts(anyOp, { ...one, colour: 'red' })).toBe(false);
      expect(accepts(anyOp, { ...one, actor: 'Child' })).toBe(false);
      for (const key of definitions[kind].required as string[]) {
        const { [key]: _, ...rest } = one as unknown as Record<string, unknown>;
        expect(accepts(anyOp, rest), key).toBe(false);
      }
    });
  });
});
