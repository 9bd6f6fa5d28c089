// Ops on descriptors, processes and settings, with nothing but plain files.
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
const FIONREAD = '0x541b';

describe.each(builtDaemons())('$name', ({ name, binary, missing }) => {
  test.runIf(missing)('is not built', (context) => context.skip(missing));

  describe.skipIf(missing)('ops', () => {
    let daemon: TestDaemon;
    beforeAll(() => {
      daemon = new TestDaemon(binary, '--timeout', '60');
    });
    afterAll(async () => expect(await daemon.stop()).toBe(0));

    test('pwrite sends what is in memory', async () => {
      const file = join(folder, 'written');
      writeFileSync(file, '');
      const outcomes = await daemon.outcomes(
        { ...memory, backing: 'memfd' },
        { op: 'open', what: 'path', path: file, access: 'write', as: 'file' },
        { op: 'pwrite', fd: 'file', offset: 3, memory: 'm', at: page - 1, length: 1 },
        { op: 'pread', fd: 'file', offset: 0, memory: 'm', at: 0, length: 1 },
      );
      expect(outcomes.slice(2)).toEqual([{ value: 1 }, { errno: 'EBADF' }]);
      expect(readFileSync(file).toString('hex')).toBe('000000ff');
    });

    test('an ioctl gives what the kernel gives, and its outputs get names', async () => {
      const file = join(folder, 'ten');
      writeFileSync(file, 'ten bytes!');
      const outcomes = await daemon.outcomes(
        memory,
        { op: 'open', what: 'path', path: file, access: 'read', as: 'file' },
        {
          op: 'ioctl',
          fd: 'file',
          number: FIONREAD,
          argument: { memory: 'm', at: 4, bytes: '00000000' },
          save: [{ name: 'size', at: 0, width: 4 }],
        },
        { op: 'poke', memory: 'm', at: 0, bytes: '00000000', relocations: [{ at: 0, width: 4, ref: 'size', add: 1 }] },
        { op: 'pwrite', fd: 'none', offset: 0, memory: 'm', at: 0, length: 4 },
        { op: 'ioctl', fd: 'file', number: '0x3b64', argument: { value: 0 } },
      );
      expect(outcomes.slice(2)).toEqual([
        { value: 0, saved: { size: 10 }, changed: [{ memory: 'm', at: 4, bytes: '0a' }] },
        { value: 0 },
        { errno: 'EBADF' },
        { errno: 'ENOTTY' },
      ]);
    });

    test('a name that stands for nothing is a descriptor that is not open', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'open', what: 'path', path: '/nowhere', as: 'a' },
        { op: 'close', fd: 'a' },
        { op: 'open', what: 'path', path: '/dev/null', as: 'b' },
        { op: 'dup', fd: 'b', as: 'c' },
        { op: 'close', fd: 'b' },
        { op: 'dup', fd: 'b', as: 'd' },
        { op: 'dup', fd: 'c', as: 'd' },
      );
      expect(outcomes).toEqual([
        { errno: 'ENOENT' },
        { errno: 'EBADF' },
        { fd: 'b' },
        { fd: 'c' },
        { value: 0 },
        { errno: 'EBADF' },
        { fd: 'd' },
      ]);
    });

    test('every program starts fresh, with three descriptors open', async () => {
      for (let i = 0; i < 2; i++) {
        const outcomes = await daemon.outcomes(
          { op: 'rlimit', resource: 'nofile', value: 4 },
          { op: 'open', what: 'path', path: '/dev/null', as: 'a' },
          { op: 'open', what: 'path', path: '/dev/null', as: 'b' },
          { op: 'fork', as: 'child' },
          { op: 'close', fd: 'a', actor: 'child' },
          { op: 'dup', fd: 'a', as: 'c' },
        );
        expect(outcomes.slice(1)).toEqual([
          { fd: 'a' },
          { errno: 'EMFILE' },
          { value: 0 },
          { value: 0 },
          { errno: 'EMFILE' },
        ]);
      }
    });

    // A sanitizer reserves more address space than that.
    test.skipIf(name.endsWith('sanitized'))('a process of a program may map 1 GiB', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'mmap', as: 'm', length: page },
        { op: 'open', what: 'path', path: '/proc/self/limits', access: 'read', as: 'f' },
        { op: 'pread', fd: 'f', offset: 0, memory: 'm', at: 0, length: page },
      );
      const text = Buffer.from(outcomes[2]!.changed!.map(({ bytes }) => bytes).join(''), 'hex').toString();
      expect(text).toMatch(/Max address space +1073741824 +1073741824 +bytes/);
    });

    test('a forked process has its own private memory, and its own names', async () => {
      const outcomes = await daemon.outcomes(
        memory,
        { op: 'mmap', as: 's', length: page, backing: 'shared' },
        { op: 'open', what: 'path', path: '/dev/zero', as: 'zero' },
        { op: 'fork', as: 'child' },
        { op: 'fork', as: 'grandchild', actor: 'child' },
        { op: 'poke', memory: 'm', at: 0, bytes: '01', actor: 'child' },
        { op: 'poke', memory: 's', at: 0, bytes: '02', actor: 'child' },
        { op: 'peek', memory: 'm', at: 0, length: 1 },
        { op: 'peek', memory: 's', at: 0, length: 1 },
        { op: 'pread', fd: 'zero', offset: 0, memory: 's', at: 8, length: 1, actor: 'grandchild' },
        { op: 'exit', actor: 'child' },
        { op: 'pread', fd: 'zero', offset: 0, memory: 'm', at: 8, length: 1, actor: 'grandchild' },
        { op: 'peek', memory: 'm', at: 8, length: 1 },
        { op: 'exit', actor: 'grandchild' },
        { op: 'fork', as: 'child' },
      );
      expect(outcomes.slice(7)).toEqual([
        { value: 0, bytes: 'ff' },
        { value: 0, bytes: '02' },
        {
          value: 1,
          changed: [
            { memory: 's', at: 8, bytes: '00' },
            { process: 'main', memory: 's', at: 8, bytes: '00' },
            { process: 'child', memory: 's', at: 8, bytes: '00' },
          ],
        },
        { value: 0 },
        { value: 1, changed: [{ memory: 'm', at: 8, bytes: '00' }] },
        { value: 0, bytes: 'ff' },
        { value: 0 },
        { value: 0 },
      ]);
    });

    test('of memory that processes share, each is told what the kernel stored, and none what the program did', async () => {
      const shared: Op = { ...memory, backing: 'memfd', fill: 'untouched' };
      const outcomes = await daemon.outcomes(
        shared,
        { op: 'open', what: 'path', path: '/dev/urandom', as: 'random' },
        { op: 'open', what: 'path', path: '/dev/zero', as: 'zero' },
        { op: 'fork', as: 'child' },
        { op: 'pread', fd: 'random', offset: 0, memory: 'm', at: 8, length: 8 },
        {
          op: 'poke',
          memory: 'm',
          at: 0,
          bytes: '0102030405060708',
          actor: 'child',
          relocations: [{ at: 4, width: 4, ref: 'm' }],
        },
        { op: 'peek', memory: 'm', at: 0, length: 8 },
        { op: 'pread', fd: 'zero', offset: 0, memory: 'm', at: 2, length: 1, actor: 'child' },
      );
      expect(outcomes.slice(4)).toEqual([
        { value: 8 },
        { value: 0 },
        { value: 0, bytes: '0102030400000000' },
        {
          value: 1,
          changed: [
            { memory: 'm', at: 2, bytes: '00' },
            { process: 'main', memory: 'm', at: 2, bytes: '00' },
          ],
        },
      ]);
    });

    test('a dma op writes the registers of the device, and refuses what would leave its buffer', async () => {
      const file = join(folder, 'registers');
      writeFileSync(file, Buffer.alloc(0x9c));
      const outcomes = await daemon.outcomes(
        { op: 'open', what: 'path', path: file, as: 'edu' },
        { op: 'dma', device: 'edu', direction: 'to-memory', iova: 0, length: 4096, at: 1 },
        { op: 'dma', device: 'edu', direction: 'to-memory', iova: 0, length: 0 },
        { op: 'dma', device: 'none', direction: 'to-memory', iova: 0, length: 1 },
      );
      expect(outcomes.slice(1)).toEqual([{ errno: 'EINVAL' }, { errno: 'EINVAL' }, { errno: 'EBADF' }]);
      expect(readFileSync(file).every((byte) => byte === 0)).toBe(true);
    });

    test('a parameter that is not there cannot be set', async () => {
      daemon.start(
        { op: 'rlimit', resource: 'memlock', value: '0x10000' },
        { op: 'set_parameter', module: 'no_such_module', parameter: 'p', value: '1' },
        { op: 'barrier' },
      );
      expect(await daemon.next()).toMatchObject({
        end: 'unsupported',
        outcomes: [{ value: 0 }],
        detail: expect.stringContaining('there is no parameter no_such_module.p'),
      });
    });

    test('a capability that was dropped is gone', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'drop_capability', capability: 'sys_resource' },
        { op: 'drop_capability', capability: 'sys_resource' },
        { op: 'rlimit', resource: 'nofile', value: 10 },
        { op: 'rlimit', resource: 'nofile', value: 20 },
      );
      expect(outcomes).toEqual([{ value: 0 }, { value: 0 }, { value: 0 }, { errno: 'EPERM' }]);
    });

    test('without any capability, what needs one is refused', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'fork', as: 'child' },
        { op: 'rlimit', resource: 'nofile', value: 10, actor: 'child' },
        { op: 'drop_capability', capability: 'all', actor: 'child' },
        { op: 'rlimit', resource: 'nofile', value: 20, actor: 'child' },
        { op: 'open', what: 'path', path: '/proc/thread-self/status', access: 'read', as: 'status', actor: 'child' },
        { ...memory, fill: 'untouched', actor: 'child' },
        { op: 'pread', fd: 'status', offset: 0, memory: 'm', at: 0, length: page, actor: 'child' },
        { op: 'peek', memory: 'm', at: 0, length: page, actor: 'child' },
      );
      expect(outcomes.slice(1, 4)).toEqual([{ value: 0 }, { value: 0 }, { errno: 'EPERM' }]);
      const status = Buffer.from(outcomes.at(-1)!.bytes!, 'hex').toString('latin1');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
        expect(status).toContain(`${set}:\t0000000000000000\n`);
    });

    test('seeking, and the flag of descriptors that a program makes and of those that a call makes', async () => {
      const file = join(folder, 'sought');
      writeFileSync(file, 'abc');
      const outcomes = await daemon.outcomes(
        { op: 'open', what: 'path', path: file, as: 'file' },
        { op: 'seek', fd: 'file', offset: '0x100000000' },
        { op: 'seek', fd: 'file', offset: -1 },
        { op: 'seek', fd: 'none', offset: 0 },
        { op: 'close_on_exec', fd: 'file' },
        { op: 'close_on_exec', fd: 'none' },
        // NS_GET_USERNS gives a descriptor.
        { op: 'open', what: 'path', path: '/proc/self/ns/uts', access: 'read', as: 'namespace' },
        { op: 'fork', as: 'child' },
        { op: 'ioctl', fd: 'namespace', number: 0xb701, argument: { value: 0 }, as: 'user', actor: 'child' },
        { op: 'close_on_exec', fd: 'user', actor: 'child' },
        { op: 'close', fd: 'user', actor: 'child' },
        { op: 'close_on_exec', fd: 'user', actor: 'child' },
      );
      expect(outcomes.slice(1)).toEqual([
        { value: '0x100000000' },
        { errno: 'EINVAL' },
        { errno: 'EBADF' },
        { value: 0 },
        { errno: 'EBADF' },
        { fd: 'namespace' },
        { value: 0 },
        { fd: 'user' },
        { value: 1 },
        { value: 0 },
        { errno: 'EBADF' },
      ]);
    });

    test('an event counter starts from 0, and is read as 8 bytes', async () => {
      const file = join(folder, 'count');
      writeFileSync(file, Buffer.from('0300000001000000', 'hex'));
      const outcomes = await daemon.outcomes(
        { op: 'open', what: 'event', as: 'event' },
        { op: 'close_on_exec', fd: 'event' },
        { op: 'read_event', fd: 'event' },
        // A file stands in for what counts.
        { op: 'open', what: 'path', path: file, as: 'file' },
        { op: 'read_event', fd: 'file' },
        { op: 'read_event', fd: 'file' },
        { op: 'read_event', fd: 'none' },
      );
      expect(outcomes).toEqual([
        { fd: 'event' },
        { value: 0 },
        { value: 0 },
        { fd: 'file' },
        { value: '0x100000003' },
        { value: 0 },
        { errno: 'EBADF' },
      ]);
    });

    test('a pipe is at its end, and takes one descriptor', async () => {
      const outcomes = await daemon.outcomes(
        { op: 'rlimit', resource: 'nofile', value: 5 },
        { op: 'open', what: 'pipe', as: 'pipe' },
        { op: 'seek', fd: 'pipe', offset: 0 },
        { op: 'read_event', fd: 'pipe' },
        { op: 'open', what: 'event', as: 'event' },
        { op: 'open', what: 'event', as: 'second' },
      );
      expect(outcomes.slice(1)).toEqual([
        { fd: 'pipe' },
        { errno: 'ESPIPE' },
        { value: 0 },
        { fd: 'event' },
        { errno: 'EMFILE' },
      ]);
    });

    test.each<[string, Op[], number]>([
      [
        'op 1 (truncate): there is no file of its own behind the memory',
        [memory, { op: 'truncate', memory: 'm', length: 0 }],
        1,
      ],
      [
        'op 1 (truncate): the length is not a multiple of the page size',
        [memory, { op: 'truncate', memory: 'm', length: 1 }],
        0,
      ],
      [
        'op 1 (truncate): a file cannot be cut to more than is left of it',
        [
          { ...memory, backing: 'memfd' },
          { op: 'truncate', memory: 'm', length: 2 * page },
        ],
        1,
      ],
      ['op 0 (inject): this executor cannot perform it', [{ op: 'inject', fault: 'copy', nth: 1 }], 0],
      ['op 0 (barrier): this executor has no threads', [{ op: 'barrier', actor: 'main/a' }], 0],
      ['op 1 (barrier): this executor runs one op at a time', [memory, { op: 'barrier', concurrent: true }], 0],
      ['op 0 (exit): the process main cannot exit', [{ op: 'exit' }], 0],
      ['op 0 (mmap): the length is not a multiple of the page size', [{ op: 'mmap', as: 'm', length: 100 }], 0],
      ['op 1 (peek): there is no memory n', [memory, { op: 'peek', memory: 'n', at: 0, length: 1 }], 1],
      ['op 1 (barrier): there is no process child', [memory, { op: 'barrier', actor: 'child' }], 1],
      ['op 0 (open): there is no device 0 in slot a', [{ op: 'open', what: 'group', slot: 'a', as: 'g' }], 0],
    ])('what it cannot do ends a program as unsupported: %s', async (detail, ops, before) => {
      const result = await daemon.run(...ops);
      expect(result).toMatchObject({ end: 'unsupported', detail });
      expect(result.outcomes.length).toBe(before);
    });
  });
});
