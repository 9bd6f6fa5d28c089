// Memory of a program: what it may do with it, and what it is told of it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { builtDaemons, TestDaemon } from './test-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-'));
afterAll(() => rmSync(folder, { recursive: true }));

const page = Number(spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }).stdout) || 4096;
const memory: Op = { op: 'mmap', as: 'm', length: page };

describe.each(builtDaemons())('$name', ({ binary, missing }) => {
  test.runIf(missing)('is not built', (context) => context.skip(missing));

  describe.skipIf(missing)('memory', () => {
    let daemon: TestDaemon;
    beforeAll(() => {
      daemon = new TestDaemon(binary, '--timeout', '60');
    });
    afterAll(async () => expect(await daemon.stop()).toBe(0));

    test('memory is prefilled with 0xff, and a program finds what it stored', async () => {
      const outcomes = await daemon.outcomes(
        memory,
        { op: 'poke', memory: 'm', at: 2, bytes: '0102' },
        { op: 'peek', memory: 'm', at: 0, length: 6 },
      );
      expect(outcomes).toEqual([{ value: 0 }, { value: 0 }, { value: 0, bytes: 'ffff0102ffff' }]);
    });

    test.each(['anonymous', 'shared', 'memfd', 'file'] as const)('%s memory can be left untouched', async (backing) => {
      const outcomes = await daemon.outcomes(
        { ...memory, backing, fill: 'untouched' },
        { op: 'peek', memory: 'm', at: page - 2, length: 2 },
        { op: 'poke', memory: 'm', at: 0, bytes: '01' },
        { op: 'peek', memory: 'm', at: 0, length: 2 },
      );
      expect(outcomes.map((outcome) => outcome.bytes)).toEqual([undefined, '0000', undefined, '0100']);
      expect(outcomes.every((outcome) => !outcome.changed)).toBe(true);
    });

    test('an access that a page does not allow is EFAULT, and stores nothing', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'mmap', as: 'm', length: 2 * page },
        { op: 'protect', memory: 'm', at: page, length: page, protection: 'read' },
        { op: 'poke', memory: 'm', at: page - 1, bytes: '0101' },
        { op: 'peek', memory: 'm', at: page - 1, length: 2 },
        { op: 'protect', memory: 'm', at: 0, length: page, protection: 'none' },
        { op: 'peek', memory: 'm', at: page - 1, length: 2 },
        { op: 'protect', memory: 'm', at: 0, length: page, protection: 'write' },
        { op: 'poke', memory: 'm', at: 0, bytes: '00' },
      );
      expect(outcomes.slice(2)).toEqual([
        { errno: 'EFAULT' },
        { value: 0, bytes: 'ffff' },
        { value: 0 },
        { errno: 'EFAULT' },
        { value: 0 },
        { value: 0 },
      ]);
    });

    test('an inaccessible page follows every memory', async () => {
      const outcomes = await daemon.outcomes(
        memory,
        { op: 'open', what: 'path', path: '/dev/zero', as: 'zero' },
        { op: 'pread', fd: 'zero', offset: 0, memory: 'm', at: page, length: 1 },
        { op: 'ioctl', fd: 'zero', number: 0, argument: { memory: 'm', at: page - 1, bytes: '0000' } },
        { op: 'peek', memory: 'm', at: page, length: 1 },
      );
      expect(outcomes.slice(2)).toEqual([{ errno: 'EFAULT' }, { errno: 'EFAULT' }, { errno: 'EFAULT' }]);
    });

    test('protecting, unmapping and discarding answer as the kernel does', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'mmap', as: 'm', length: 3 * page },
        { op: 'unmap', memory: 'm', at: page, length: page },
        { op: 'peek', memory: 'm', at: page, length: 1 },
        { op: 'protect', memory: 'm', at: 0, length: 3 * page, protection: 'read' },
        { op: 'poke', memory: 'm', at: 0, bytes: '00' },
        { op: 'poke', memory: 'm', at: 2 * page, bytes: '00' },
        { op: 'discard', memory: 'm', at: 2 * page, length: page },
        { op: 'peek', memory: 'm', at: 2 * page, length: 2 },
        { op: 'unmap', memory: 'm', at: 1, length: page },
      );
      expect(outcomes.slice(1)).toEqual([
        { value: 0 },
        { errno: 'EFAULT' },
        { errno: 'ENOMEM' },
        { errno: 'EFAULT' },
        { value: 0 },
        { value: 0 },
        { value: 0, bytes: '0000' },
        { errno: 'EINVAL' },
      ]);
    });

    test('what the kernel stores is told, in runs as short as they can be', async () => {
      const file = join(folder, 'letters');
      writeFileSync(file, Buffer.from('ffff01ff0203', 'hex'));
      const outcomes = await daemon.outcomes(
        { op: 'mmap', as: 'm', length: 2 * page },
        { op: 'open', what: 'path', path: file, as: 'file' },
        { op: 'pread', fd: 'file', offset: 0, memory: 'm', at: page - 5, length: 100 },
        { op: 'pread', fd: 'file', offset: 2, memory: 'm', at: page - 3, length: 1 },
        { op: 'pread', fd: 'file', offset: 100, memory: 'm', at: 0, length: 1 },
      );
      expect(outcomes.slice(2)).toEqual([
        {
          value: 6,
          changed: [
            { memory: 'm', at: page - 3, bytes: '01' },
            { memory: 'm', at: page - 1, bytes: '0203' },
          ],
        },
        { value: 1 },
        { value: 0 },
      ]);
    });

    test('a relocation is a real value for the kernel, and zeros for the reader until it changes', async () => {
      const file = join(folder, 'relocations');
      writeFileSync(file, '');
      const outcomes = await daemon.outcomes(
        memory,
        { op: 'open', what: 'path', path: file, as: 'file' },
        {
          op: 'poke',
          memory: 'm',
          at: 0,
          bytes: '00'.repeat(20),
          relocations: [
            { at: 0, width: 8, ref: 'm', add: 1 },
            { at: 8, width: 4, ref: 'file' },
            { at: 12, width: 4, ref: 'nothing' },
            { at: 16, width: 4, ref: 'file', add: -4 },
          ],
        },
        { op: 'peek', memory: 'm', at: 0, length: 20 },
        { op: 'pwrite', fd: 'file', offset: 0, memory: 'm', at: 0, length: 20 },
        { op: 'poke', memory: 'm', at: 100, bytes: 'ee' },
        { op: 'pwrite', fd: 'file', offset: 12, memory: 'm', at: 100, length: 1 },
        { op: 'pread', fd: 'file', offset: 12, memory: 'm', at: 12, length: 1 },
        { op: 'peek', memory: 'm', at: 8, length: 8 },
      );
      expect(outcomes[3]).toEqual({ value: 0, bytes: '00'.repeat(20) });
      expect(outcomes[7]).toEqual({ value: 1, changed: [{ memory: 'm', at: 12, bytes: 'ee' }] });
      expect(outcomes[8]).toEqual({ value: 0, bytes: '00000000ee000000' });
      const written = readFileSync(file);
      expect(written.readBigUInt64LE(0) % BigInt(page)).toBe(1n);
      expect(written.readBigUInt64LE(0)).not.toBe(1n);
      expect(written.readInt32LE(8)).toBe(3);
      expect(written.subarray(13, 16).toString('hex')).toBe('ffffff');
      expect(written.readInt32LE(16)).toBe(-1);
    });

    test('a mapped file shows its bytes, and refuses what lies past its end', async () => {
      const file = join(folder, 'mapped');
      writeFileSync(file, 'abc');
      const outcomes = await daemon.outcomes(
        { op: 'open', what: 'path', path: file, as: 'file' },
        { op: 'mmap', as: 'm', length: 2 * page, backing: 'fd', fd: 'file' },
        { op: 'peek', memory: 'm', at: 0, length: 3 },
        { op: 'poke', memory: 'm', at: 1, bytes: '78' },
        { op: 'peek', memory: 'm', at: page, length: 1 },
        { op: 'mmap', as: 'n', length: page, backing: 'fd', fd: 'file', offset: 1 },
        { op: 'mmap', as: 'n', length: page, backing: 'fd', fd: 'nothing' },
      );
      expect(outcomes.slice(2)).toEqual([
        { value: 0, bytes: '616263' },
        { value: 0 },
        { errno: 'EFAULT' },
        { errno: 'EINVAL' },
        { errno: 'EBADF' },
      ]);
      expect(readFileSync(file, 'utf8')).toBe('axc');
    });

    test.each(['memfd', 'file'] as const)(
      'what was cut off a %s cannot be accessed, by any process',
      async (backing) => {
        const outcomes = await daemon.outcomes(
          { op: 'mmap', as: 'm', length: 3 * page, backing },
          { op: 'open', what: 'path', path: '/dev/zero', as: 'zero' },
          { op: 'fork', as: 'child' },
          { op: 'truncate', memory: 'm', length: page, actor: 'child' },
          { op: 'peek', memory: 'm', at: page - 1, length: 1 },
          { op: 'peek', memory: 'm', at: page - 1, length: 2 },
          { op: 'poke', memory: 'm', at: 2 * page, bytes: '00' },
          { op: 'ioctl', fd: 'zero', number: 0, argument: { memory: 'm', at: page, bytes: '00' } },
          { op: 'pread', fd: 'zero', offset: 0, memory: 'm', at: page - 1, length: 2 },
          { op: 'truncate', memory: 'm', length: 0 },
          { op: 'peek', memory: 'm', at: 0, length: 1, actor: 'child' },
          { op: 'peek', memory: 'm', at: 0, length: 0 },
        );
        expect(outcomes.slice(3)).toEqual([
          { value: 0 },
          { value: 0, bytes: 'ff' },
          { errno: 'EFAULT' },
          { errno: 'EFAULT' },
          { errno: 'EFAULT' },
          {
            value: 1,
            changed: [
              { memory: 'm', at: page - 1, bytes: '00' },
              { process: 'child', memory: 'm', at: page - 1, bytes: '00' },
            ],
          },
          { value: 0 },
          { errno: 'EFAULT' },
          { value: 0, bytes: '' },
        ]);
      },
    );

    test('the file that is to be cut takes no descriptor that the program could get', async () => {
      const outcomes = await daemon.outcomes(
        { ...memory, backing: 'memfd' },
        { op: 'rlimit', resource: 'nofile', value: 4 },
        { op: 'open', what: 'path', path: '/dev/null', as: 'a' },
        { op: 'dup', fd: 'a', as: 'b' },
        { op: 'truncate', memory: 'm', length: 0 },
        { op: 'peek', memory: 'm', at: 0, length: 1 },
      );
      expect(outcomes.slice(2)).toEqual([{ fd: 'a' }, { errno: 'EMFILE' }, { value: 0 }, { errno: 'EFAULT' }]);
    });

    test('locking counts pages against the limit, and stops at a hole', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'mmap', as: 'm', length: 4 * page },
        { op: 'unmap', memory: 'm', at: 2 * page, length: page },
        { op: 'lock', memory: 'm', at: 0, length: 2 * page },
        { op: 'lock', memory: 'm', at: 0, length: 3 * page },
        { op: 'lock', memory: 'm', at: 3 * page + 1, length: page },
        { op: 'lock', memory: 'm', at: 4 * page, length: 0 },
        { op: 'drop_capability', capability: 'all' },
        { op: 'rlimit', resource: 'memlock', value: 3 * page },
        { op: 'lock', memory: 'm', at: 0, length: 1 },
        { ...memory, as: 'more' },
        { op: 'lock', memory: 'more', at: 0, length: page },
      );
      expect(outcomes.slice(2)).toEqual([
        { value: 0 },
        { errno: 'ENOMEM' },
        { errno: 'ENOMEM' },
        { value: 0 },
        { value: 0 },
        { value: 0 },
        { value: 0 },
        { value: 0 },
        { errno: 'ENOMEM' },
      ]);
    });

    test('a long line is one message, and a long outcome one answer', async () => {
      const bytes = '5a'.repeat(64 * page);
      const outcomes = await daemon.outcomes(
        { op: 'mmap', as: 'm', length: 64 * page, fill: 'untouched' },
        { op: 'poke', memory: 'm', at: 0, bytes },
        { op: 'peek', memory: 'm', at: 0, length: 64 * page },
      );
      expect(outcomes[2]!.bytes === bytes).toBe(true);
    });
  });
});
