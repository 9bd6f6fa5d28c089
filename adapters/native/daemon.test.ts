// The daemon and its protocol: messages, and programs that crash or hang.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DescriptionAnswer, Op } from '../../spec/uapi/vocabulary.ts';
import { builtDaemons, TestDaemon } from './test-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-'));
afterAll(() => rmSync(folder, { recursive: true }));

const page = Number(spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }).stdout) || 4096;
const memory: Op = { op: 'mmap', as: 'm', length: page };

describe.each(builtDaemons())('$name', ({ name, binary, missing }) => {
  test.runIf(missing)('is not built', (context) => context.skip(missing));

  describe.skipIf(missing)('messages', () => {
    let daemon: TestDaemon;
    beforeAll(() => {
      daemon = new TestDaemon(binary, '--timeout', '60');
    });
    afterAll(async () => expect(await daemon.stop()).toBe(0));

    test('says what it is', async () => {
      const answer = (await daemon.ask({ type: 'describe', protocol: 1 })) as DescriptionAnswer;
      expect(answer.name).toBe('linux');
      expect(answer.ops).toContain('ioctl');
      expect(answer.ops).not.toContain('inject');
      expect(answer.environment).toMatchObject({ id: 'host', slots: {}, pageSize: page });
    });

    test.each([
      ['{"type":', 'byte 8: a value is expected'],
      ['{"type":"run"} {}', 'byte 15: more text after the value'],
      ['"\\u0000"', 'byte 7: a malformed \\u escape, or one that is not allowed'],
      ['[1,]', 'byte 3: a value is expected'],
      ['{"a":01}', 'byte 7: a malformed number'],
      ['[]', 'a message is an object with a type'],
      ['{"type":"walk"}', 'the type must be describe, run or stop'],
      ['{"type":"describe","protocol":2}', 'this executor speaks protocol 1 only'],
      ['['.repeat(100), 'byte 32: nested too deeply'],
    ])('a line that is no message gets an error: %s', async (line, message) => {
      daemon.send(line);
      expect(await daemon.next()).toEqual({ type: 'error', message });
    });

    test.each<[unknown, string]>([
      [{ op: 'walk' }, 'ops[0].op is unknown: walk'],
      [{ op: 'close' }, 'ops[0].fd is missing'],
      [{ op: 'close', fd: 'F' }, 'ops[0].fd must be a name: a lower-case letter, then such letters, digits or _'],
      [{ op: 'close', fd: 'f', path: '/' }, 'ops[0].path is not a field of this op'],
      [{ op: 'open', what: 'device', slot: 's', as: 'd' }, 'ops[0].group is missing'],
      [
        { op: 'open', what: 'device', slot: 's', group: 'g', as: 'd', spelling: '{name} {cut}' },
        'ops[0].spelling may have {name} or {cut} once, and no other braces',
      ],
      [
        { op: 'open', what: 'device', slot: 's', group: 'g', as: 'd', spelling: '}' },
        'ops[0].spelling may have {name} or {cut} once, and no other braces',
      ],
      [{ op: 'seek', fd: 'f' }, 'ops[0].offset is missing'],
      [{ op: 'inject', fault: 'allocation', nth: 0 }, 'ops[0].nth must be at least 1'],
      [{ op: 'mmap', as: 'm', length: 2 ** 31 + 1 }, 'ops[0].length must be a number from 0 to 2^31'],
      [{ op: 'poke', memory: 'm', at: 0, bytes: '0' }, 'ops[0].bytes must be a string of pairs of hexadecimal digits'],
      [
        { op: 'poke', memory: 'm', at: 0, bytes: '00', relocations: [{ at: 0, width: 4, ref: 'm' }] },
        'ops[0].relocations must lie within bytes',
      ],
      [{ op: 'poke', memory: 'm', at: 0, bytes: '00', relocations: [[]] }, 'ops[0].relocations must be objects'],
      [
        { op: 'ioctl', fd: 'f', number: '0X1', argument: { value: 0 } },
        'ops[0].number must be a number from -2^31 to 2^31, or a string such as "0x1000"',
      ],
      [{ op: 'ioctl', fd: 'f', number: 1, argument: [0] }, 'ops[0].argument must be an object'],
      [
        { op: 'ioctl', fd: 'f', number: 1, argument: { memory: 'm' } },
        'ops[0].argument must be a value, or a memory and at',
      ],
      ['close', 'ops[0].op is missing'],
    ])('a program that is none gets an error with its id: %j', async (op, message) => {
      daemon.start(op);
      expect(await daemon.next()).toMatchObject({ type: 'error', id: expect.any(Number), message });
    });

    test('requests may be sent ahead, in pieces, and are answered in order', async () => {
      const lines = Array.from({ length: 50 }, (_, id) =>
        JSON.stringify({ type: 'run', id, slots: {}, program: { id: 'p', topology: { slots: {} }, ops: [memory] } }),
      ).join('\n');
      daemon.process.stdin.write(lines.slice(0, 1001));
      await new Promise((resolve) => setImmediate(resolve));
      daemon.process.stdin.write(`${lines.slice(1001)}\n`);
      for (let id = 0; id < 50; id++)
        expect(await daemon.next()).toEqual({ type: 'result', id, end: 'completed', outcomes: [{ value: 0 }] });
    });
  });

  describe.skipIf(missing)('survives', () => {
    let daemon: TestDaemon;
    afterEach(async () => expect(await daemon.stop()).toBe(0));
    const fifo = join(folder, `fifo-${name}`);
    if (!missing) expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const wait: Op = { op: 'open', what: 'path', path: fifo, access: 'read', as: 'f' };

    /** The processes that the daemon has started, once there are that many. */
    async function children(count: number): Promise<number[]> {
      for (;;) {
        const file = `/proc/${daemon.process.pid}/task/${daemon.process.pid}/children`;
        const found = readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
        if (found.length === count) return found;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }

    test('a program that hangs is cut off, with all its processes', async () => {
      daemon = new TestDaemon(binary, '--timeout', '0.2');
      const result = await daemon.run(memory, { op: 'fork', as: 'child' }, { ...wait, actor: 'child' }, memory);
      expect(result).toMatchObject({
        end: 'hung',
        detail: 'op 2 (open) did not return within 0.2 s',
        outcomes: [{ value: 0 }, { value: 0 }],
      });
      await children(0);
      await daemon.outcomes(memory);
    });

    test.each(['main', 'child'])('a crash of %s costs that program alone', async (actor) => {
      daemon = new TestDaemon(binary, '--timeout', '60');
      daemon.start(memory, { op: 'fork', as: 'child' }, { ...wait, actor });
      const [main, child] = await children(2);
      // Blocked in open: the last op has begun.
      const victim = actor === 'main' ? main! : child!;
      while (!readFileSync(`/proc/${victim}/syscall`, 'utf8').startsWith(process.arch === 'x64' ? '257 ' : '56 '))
        await new Promise((resolve) => setTimeout(resolve, 5));
      process.kill(victim, 'SIGSEGV');
      expect(await daemon.next()).toMatchObject({
        end: 'crashed',
        detail: name.endsWith('sanitized')
          ? expect.stringContaining(`process ${actor} `)
          : `process ${actor} killed by SIGSEGV at op 2 (open)`,
        outcomes: [{ value: 0 }, { value: 0 }],
      });
      await children(0);
      await daemon.outcomes(memory);
    });

    test('stop, after what was asked before it', async () => {
      daemon = new TestDaemon(binary);
      daemon.start(memory);
      daemon.send('{"type":"stop"}');
      expect(await daemon.next()).toMatchObject({ end: 'completed' });
    });
  });

  test.skipIf(missing).each([
    [['--config', '/nowhere'], 'vfio-conformd: /nowhere: No such file or directory\n'],
    [['--device', '/nowhere'], 'vfio-conformd: /nowhere: No such file or directory\n'],
    [['--timeout', 'soon'], 'vfio-conformd: --timeout needs a number of seconds, not soon\n'],
    [['--forbid', 'all'], 'vfio-conformd: --forbid all: give config-writes, bar-access, reset or driver-binding\n'],
    [['extra'], expect.stringMatching(/^usage: vfio-conformd \[--config FILE\] /)],
  ])('a wrong command line exits with 2: %j', (options, stderr) => {
    const ended = spawnSync(binary, options, { encoding: 'utf8' });
    expect(ended).toMatchObject({ status: 2, stderr });
  });
});
