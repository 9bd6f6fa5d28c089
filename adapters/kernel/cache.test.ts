import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../spec/uapi/package-root.ts';
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

describe('several processes at one entry', () => {
  const manyModules = Array.from({ length: 8 }, (_, i) => ({ name: `m${i}`, content: Buffer.alloc(9_000, i) }));
  const image = Buffer.alloc(50_000, 'k');
  /** Does something over and over again, each time damaging the entry first or not, until it is killed or has done it often. */
  const script = (work: string): string => `
    const { KernelCache } = await import('${pathToFileURL(join(packageRoot, 'dist/adapters/kernel/cache.js'))}');
    const { truncateSync } = await import('node:fs');
    const cache = new KernelCache(${JSON.stringify(join(folder, 'cache'))});
    const from = ${JSON.stringify(from)};
    const image = Buffer.alloc(50_000, 'k');
    const modules = Array.from({ length: 8 }, (_, i) => ({ name: 'm' + i, content: Buffer.alloc(9_000, i) }));
    ${work}`;
  const writer = 'for (let i = 0; i < 40; i++) { await cache.write(from, image, modules); console.log(i); }';
  const damager = `for (let i = 0; i < 40; i++) {
    try { truncateSync(${JSON.stringify('ENTRY')} + '/m3.ko', 7); } catch {}
    await cache.write(from, image, modules);
    console.log(i);
  }`;
  /** A reader is given whole entries only, and once there was one, there always is. */
  const reader = `let seen = 0;
    for (let i = 0; i < 200; i++) {
      const kernel = await cache.read(from);
      if (kernel === undefined) { if (seen > 0) throw new Error('the entry is gone'); await new Promise((go) => setTimeout(go, 5)); continue; }
      seen++;
      if (kernel.modules.length !== 8 || kernel.modules.some(({ content }, m) => !content.equals(modules[m].content)))
        throw new Error('half an entry');
    }
    if (seen === 0) throw new Error('no entry');`;

  /** Runs a script in a process of its own; with `killAt` it is killed when it has said so many lines. */
  async function run(work: string, killAt?: number): Promise<string> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script(work.replace('ENTRY', entry()))]);
    let lines = 0;
    let errors = '';
    child.stdout.on('data', (piece: Buffer) => {
      lines += piece.toString().split('\n').length - 1;
      if (killAt !== undefined && lines >= killAt) child.kill('SIGKILL');
    });
    child.stderr.on('data', (piece: Buffer) => {
      errors += piece;
    });
    const [status, signal] = await once(child, 'close');
    return errors || signal || String(status);
  }

  it('write it without an error, and readers see all of it or nothing', async () => {
    const ends = await Promise.all([run(writer), run(writer), run(writer), run(writer), run(reader), run(reader)]);
    expect(ends).toEqual(Array(6).fill('0'));
  });

  it('mend what others damage, and some being killed leaves nothing behind after the next write', async () => {
    const ends = await Promise.all([run(damager), run(damager), run(writer, 5), run(writer, 9), run(writer, 14)]);
    expect(ends).toEqual(['0', '0', 'SIGKILL', 'SIGKILL', 'SIGKILL']);
    await cache.write(from, image, manyModules);
    expect(await cache.read(from)).toEqual({ image: join(entry(), 'kernel'), modules: manyModules });
    expect(readdirSync(join(folder, 'cache'))).toEqual(['linux-image-6.12.1-amd64_6.12.1-1']);
    expect(readdirSync(entry()).sort()).toEqual([
      'kernel',
      ...manyModules.map(({ name }) => `${name}.ko`),
      'manifest.json',
    ]);
  });
});

it('removes what nobody can be asked about after a day, and what is in use never', async () => {
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  const leave = (name: string, time?: Date): void => {
    mkdirSync(join(folder, 'cache', name), { recursive: true });
    if (time) utimesSync(join(folder, 'cache', name), time, time);
  };
  leave('.tmp-abc123', yesterday);
  leave('.tmp-def456');
  leave('.tmp-00000000.4026531836-1-5-abc123', yesterday);
  leave('.tmp-00000000.4026531836-1-5-def456');
  leave('newest-6.12.json.77', yesterday);
  await cache.inTemporary(async (mine) => {
    utimesSync(mine, yesterday, yesterday);
    await cache.write(from, Buffer.from('kernel'), modules);
    expect(readdirSync(join(folder, 'cache')).sort()).toEqual(
      ['.tmp-00000000.4026531836-1-5-def456', '.tmp-def456', basename(mine), basename(entry())].sort(),
    );
  });
});
