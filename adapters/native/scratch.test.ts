import { test, expect, vi } from 'vitest';
import { kernelAdapter } from '../kernel/kernel.ts';
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });
const st = { op: 'ioctl', fd: 'g', number: 0x3b67, argument: { memory: 'arg', at: 0, bytes: '0800000000000000' } };
const open = [{ op: 'mmap', as: 'arg', length: 4096 }, { op: 'open', what: 'group', slot: 'x', as: 'g' }, st];
const attach = [
  { op: 'mmap', as: 'arg', length: 4096 },
  { op: 'open', what: 'container', as: 'c' },
  { op: 'open', what: 'group', slot: 'x', as: 'g' },
  { op: 'ioctl', fd: 'g', number: 0x3b68, argument: { memory: 'arg', at: 0, bytes: '00000000', relocations: [{ at: 0, width: 4, ref: 'c' }] } },
  { op: 'ioctl', fd: 'c', number: 0x3b66, argument: { value: 1 } },
  { op: 'open', what: 'device', slot: 'x', group: 'g', as: 'd' },
];
test.each(['kernel:6.12', 'kernel:6.1'])('%s', async (t) => {
  const s = await kernelAdapter(t as any).start({ machine: {}, slots: [{ devices: 1, viable: true }, { devices: 1, viable: false }] } as any);
  const run = async (slot: string, ops: any[], changes?: any) => {
    const t0 = Date.now();
    const r = await s.run({ id: 'p', topology: { slots: { x: { devices: 1, viable: true } } }, ops, ...(changes ? { changes } : {}) } as any, { x: slot });
    console.log(t, Date.now() - t0, 'ms', JSON.stringify(r));
  };
  console.log(JSON.stringify(s.description.environment.slots), s.description.version);
  const [a, b] = Object.keys(s.description.environment.slots);
  const bad = Object.entries(s.description.environment.slots).find(([, v]: any) => !v.viable)![0];
  const good = bad === a ? b! : a!;
  await run(bad, open);
  await run(bad, [...open, { op: 'unbind_driver', slot: 'x', device: 'claimed' }, st, { op: 'bind_driver', slot: 'x', device: 'claimed', driver: 'vfio-pci' }, st, {op:'unbind_driver', slot:'x', device:'claimed'}, { op: 'unbind_driver', slot: 'x', device: 'claimed' }], [{ slot: 'x' }]);
  await run(bad, open);
  await run(bad, [...open, { op: 'unbind_driver', slot: 'x', device: 'claimed' }, { op: 'bind_driver', slot: 'x', device: 'claimed', driver: 'native' }, st]);
  await run(good, [...attach, { op: 'unbind_driver', slot: 'x', device: 0 }], [{ slot: 'x' }]);
  await run(good, attach);
  await run(good, [...attach, { op: 'close', fd: 'd' }, { op: 'unbind_driver', slot: 'x', device: 0 }, st], [{ slot: 'x' }]);
  await run(good, [...attach, { op: 'set_parameter', module: 'vfio_iommu_type1', parameter: 'dma_entry_limit', value: '3' }, { op: 'mmap', as: 'bar', length: 4096, backing: 'fd', fd: 'd' }, { op: 'peek', memory: 'bar', at: 0, length: 4 }, { op: 'fork', as: 'k' }, { op: 'exit', actor: 'k' },{ op: 'poke', memory: 'arg', at: 64, bytes: '0600' },
  { op: 'pwrite', fd: 'd', offset: '0x70000000004', memory: 'arg', at: 64, length: 2 }, { op: 'dma', device: 'd', direction: 'to-memory', iova: 0x100000, length: 8 }]);
  await run(good, attach);
  const t0 = Date.now();
  for (let i = 0; i < 50; i++) await s.run({ id: 'p', topology: { slots: { x: { devices: 1, viable: true } } }, ops: [...attach, { op: 'close', fd: 'd' }, { op: 'close', fd: 'g' }] } as any, { x: good });
  console.log(t, 'sequential 8-op programs', (Date.now() - t0) / 50, 'ms each');
  const t1 = Date.now();
  await Promise.all(Array.from({ length: 200 }, () => s.run({ id: 'p', topology: { slots: { } }, ops: [{ op: 'mmap', as: 'arg', length: 4096 }, ...Array(7).fill({ op: 'poke', memory: 'arg', at: 0, bytes: '00' })] } as any, {})));
  console.log(t, 'pipelined 8-op memory programs', (Date.now() - t1) / 200, 'ms each');
  await s.stop();
});
