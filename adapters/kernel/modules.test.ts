import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { Problem } from '../../spec/uapi/problem.ts';
import { dependenciesOf, loadOrder, readModules } from './modules.ts';

const module = (depends: string): Buffer =>
  Buffer.from(`\x7fELF...\0license=GPL\0depends=${depends}\0name=x\0`, 'latin1');

it('reads dependencies from a module', () => {
  expect(dependenciesOf(module('vfio-pci-core,vfio'))).toEqual(['vfio_pci_core', 'vfio']);
  expect(dependenciesOf(module(''))).toEqual([]);
  expect(dependenciesOf(Buffer.from('no module'))).toEqual([]);
});

it('orders modules after what they depend on, each once, and leaves out what is not there', async () => {
  const all: Record<string, string> = { a: 'b,c', b: 'c,gone', c: '', d: 'a' };
  const order = await loadOrder(['d', 'a', 'built_in'], async (name) => (name in all ? module(all[name]!) : undefined));
  expect(order.map(({ name }) => name)).toEqual(['c', 'b', 'a', 'd']);
});

it('finds modules in folders, packed or not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  try {
    mkdirSync(join(folder, 'kernel/drivers'), { recursive: true });
    writeFileSync(join(folder, 'kernel/drivers/vfio-pci.ko'), module('vfio'));
    writeFileSync(join(folder, 'kernel/vfio.ko.gz'), gzipSync(module('')));
    writeFileSync(join(folder, 'kernel/other.ko'), module(''));
    expect((await readModules(folder)).map(({ name }) => name)).toEqual(['vfio', 'vfio_pci']);
    await expect(readModules(join(folder, 'nowhere'))).rejects.toThrow(Problem);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
