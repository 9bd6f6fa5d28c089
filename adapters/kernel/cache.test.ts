import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KernelCache } from './cache.ts';

const from = { name: 'linux-image-6.12.1-amd64', version: '6.12.1-1', sha256: 'aa' };
const modules = [
  { name: 'vfio', content: Buffer.from('1') },
  { name: 'vfio_pci', content: Buffer.from('2') },
];

let folder: string;
let cache: KernelCache;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  cache = new KernelCache(join(folder, 'cache'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (): string => join(folder, 'cache', 'linux-image-6.12.1-amd64_6.12.1-1');

it('gives back what was written, in order', async () => {
  expect(await cache.read(from)).toBeUndefined();
  await cache.write(from, Buffer.from('kernel'), modules);
  expect(await cache.read(from)).toEqual({ image: join(entry(), 'kernel'), modules });
  expect(await cache.packages()).toEqual([from]);
  expect(readdirSync(join(folder, 'cache'))).toEqual(['linux-image-6.12.1-amd64_6.12.1-1']);
});

it('does not give back what is damaged, and writes it anew', async () => {
  await cache.write(from, Buffer.from('kernel'), modules);
  writeFileSync(join(entry(), 'vfio.ko'), 'x');
  expect(await cache.read(from)).toBeUndefined();
  await cache.write(from, Buffer.from('kernel'), modules);
  expect(await cache.read(from)).toBeDefined();
});

it('does not take one package for another of the same name', async () => {
  await cache.write(from, Buffer.from('kernel'), modules);
  expect(await cache.read({ ...from, sha256: 'bb' })).toBeUndefined();
});

it('remembers what apt answered while its lists are the same', async () => {
  await cache.remember('6.12', 'monday', from);
  expect(await cache.remembered('6.12', 'monday')).toEqual(from);
  expect(await cache.remembered('6.12', 'tuesday')).toBeUndefined();
  expect(await cache.remembered('6.1', 'monday')).toBeUndefined();
});
